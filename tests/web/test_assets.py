"""Static files, and what every page promises to the browser."""

import re
from pathlib import Path

import httpx

from crewhall.faces.plumbing.assets import assets
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


def test_modules_stay_small():
    long = {path.name: lines for path in MODULES.rglob("*.js") if (lines := _lines(path)) > LONGEST_MODULE}
    assert long == {}


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())
