"""Static files, and what every page promises to the browser."""

import re
from pathlib import Path

import httpx

from crewhall.faces.plumbing.assets import ENTRY, assets
from crewhall.faces.plumbing.bundling import Bundle
from crewhall.faces.plumbing.pages import TEMPLATES
from tests.support.server import Server

MODULES = TEMPLATES.parent / "static" / "js"
LONGEST_MODULE = 200


async def test_a_file_is_kept_for_a_year_and_known_again(server: Server):
    async with httpx.AsyncClient(base_url=server.address, verify=False) as client:
        answer = await client.get(assets.url("js/app.js"))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        again = await client.get(assets.url("js/app.js"), headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        plain = await client.get(assets.url("js/app.js"), headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.text == answer.text


async def test_an_old_address_gives_the_present_file_and_nothing_outside_is_served(server: Server):
    async with httpx.AsyncClient(base_url=server.address, verify=False) as client:
        old = await client.get("/static/0123456789ab/css/tokens.css")
        assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
        for path in ("js/nothing.js", "../templates/base.html", "%2e%2e/%2e%2e/pages.py", ""):
            assert (await client.get(f"/static/{assets.version}/{path}")).status_code in {404, 405}


def test_templates_hold_no_inline_style_or_script():
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=", text), path.name
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), path.name


def test_modules_become_one_file_in_the_order_in_which_they_run():
    sources = {
        "js/app.js": '// First.\nimport * as Turbo from "../vendor/turbo.js";\nimport "./a/b.js";\nTurbo.go();\n',
        "js/a/b.js": 'import { name, Thing } from "./c.js";\nexport function say() { name(Thing, import.meta.url); }\n',
        "js/a/c.js": "/** It. */\nexport class Thing {}\nfunction name() {}\nexport { name };\n",
    }
    text = Bundle("js/app.js", sources).text
    assert text.startswith('import * as Turbo from "../vendor/turbo.js";\nconst module0 = (() => {\nclass Thing {}')
    assert text.index("class Thing") < text.index("function say") < text.index("Turbo.go")
    assert "const { name, Thing } = module0;\nfunction say" in text
    assert 'new URL("./a/b.js", import.meta.url).href' in text
    assert "return { Thing, name };" in text
    served = assets.find(ENTRY)
    assert served
    assert re.findall(rb"^(?:import|export) .*", served.body(), re.MULTILINE) == [
        b'import * as Turbo from "../vendor/turbo.js";'
    ]


async def test_a_page_travels_packed_to_who_takes_it_so(server: Server):
    async with httpx.AsyncClient(base_url=server.address, verify=False) as client:
        packed = await client.get("/login")
        plain = await client.get("/login", headers={"accept-encoding": "identity"})
        for said, is_packed in (("gzip;q=0, identity", False), ("br, gzip; q=0.0", False), ("gzip;q=0.5", True)):
            for path in ("/login", assets.url("js/app.js")):
                answer = await client.get(path, headers={"accept-encoding": said})
                assert ("content-encoding" in answer.headers) is is_packed, (said, path)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    assert "accept-encoding" in packed.headers["vary"]


def test_modules_stay_small():
    long = {path.name: lines for path in MODULES.rglob("*.js") if (lines := _lines(path)) > LONGEST_MODULE}
    assert long == {}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
