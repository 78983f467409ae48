"""Files over HTTP: sent, posted, read, refused."""

import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.files.making import bomb, image, photograph, post, send, sent, stating
from tests.files.standing import content, kept, sweep
from tests.identity.hall import Org
from tests.support.server import Server


async def test_files_of_two_messages_are_sent_in_a_row_then_one_is_to_wait(server: Server, org: Org):
    general, answers = await server.general(org), []
    while not answers or answers[-1].status_code == httpx.codes.CREATED:
        answers.append(await send(org.owner, general, b"one of many"))
        assert len(answers) < 80
    assert len(answers) > 40
    assert answers[-1].json()["retry_after"] == int(answers[-1].headers["retry-after"]) == 1


@pytest.mark.rule("B8")
async def test_a_file_is_sent_posted_and_read_by_others(server: Server, org: Org):
    general, other = await server.general(org), await org.add()
    file = await sent(org.owner, general, b"what we said", "notes.md")
    assert (file["media_type"], file["size"], file["message_id"]) == ("text/markdown", 12, None)
    message = await post(org.owner, general, file)
    named = {"id": file["id"], "name": "notes.md", "media_type": "text/markdown", "size": 12}
    assert (message["content"], message["metadata"]) == ("", {"files": [named]})
    page = (await other.api.get(f"/conversations/{general}/messages")).json()["items"]
    assert page[-1]["metadata"]["files"] == [named]
    read = await content(other, file)
    assert read.content == b"what we said"
    assert read.headers["content-type"] == "text/plain; charset=utf-8"
    assert read.headers["content-disposition"].startswith('attachment; filename="notes.md"')
    listed = (await other.api.get(f"/conversations/{general}/files")).json()["items"]
    assert [(one["id"], one["message_id"]) for one in listed] == [(file["id"], message["id"])]


@pytest.mark.rule("B8")
@pytest.mark.parametrize(("stated", "status"), [
    (stating(b"as it was sent"), 201), (f"md5=:AAAA:, {stating(b'as it was sent')}", 201), ("md5=:AAAA:", 201),
    (stating(b"as it was not sent"), 400), ("sha-256=AAAA", 400), ("sha-256=:A:", 400), (f"{stating(b'x')},", 400),
])  # fmt: skip
async def test_what_came_is_compared_with_what_was_sent(server: Server, org: Org, stated: str, status: int):
    path = f"/conversations/{await server.general(org)}/files"
    answer = await org.owner.api.post(
        path, params={"name": "a.txt"}, content=b"as it was sent", headers={"content-digest": stated}
    )
    assert answer.status_code == status, answer.text
    if status == httpx.codes.CREATED:
        read = await content(org.owner, answer.json())
        assert read.headers["repr-digest"] == stating(b"as it was sent")
    else:
        assert answer.json()["code"] == "upload_damaged"
        async with server.db.transaction(org.owner.actor) as tx:
            assert await tx.value("select count(*) from files") == 0


@pytest.mark.rule("B8")
async def test_who_may_not_read_the_conversation_may_not_read_its_files(server: Server, org: Org, other_org: Org):
    """B1, too: a stranger's organization learns nothing of it."""
    private, member = await server.channel(org.owner, type="private"), await org.add()
    file = await sent(org.owner, private, image(), "plan.png")
    await post(org.owner, private, file)
    for stranger in (member, other_org.owner):
        for path in ("", "/content", "/thumbnail"):
            assert (await stranger.api.get(f"/files/{file['id']}{path}")).status_code == 404
        assert (await stranger.api.get(f"/conversations/{private}/files")).status_code == 404
        assert (await send(stranger, private, b"x")).status_code == 404
    assert (await server.client().get(f"/files/{file['id']}/content")).status_code == 401


@pytest.mark.rule("B8")
async def test_an_upload_is_its_uploaders_until_it_is_posted_and_nobody_elses_to_post(server: Server, org: Org):
    general, member = await server.general(org), await org.add()
    elsewhere = await server.channel(org.owner)
    file = await sent(org.owner, general, b"mine")
    assert (await content(member, file)).status_code == 404
    for who, where in ((member, general), (org.owner, elsewhere)):
        answer = await who.api.post(f"/conversations/{where}/messages", json={"content": "x", "files": [file["id"]]})
        assert (answer.status_code, answer.json()["field"]) == (422, "files")
    forged = {"content": "x", "metadata": {"files": [{"id": file["id"]}]}}
    assert (await member.api.post(f"/conversations/{general}/messages", json=forged)).status_code == 422
    assert (await member.api.delete(f"/files/{file['id']}")).status_code == 404
    assert (await org.owner.api.delete(f"/files/{file['id']}")).status_code == 204
    assert (await content(org.owner, file)).status_code == 404


@pytest.mark.rule("B8")
@pytest.mark.parametrize(("make", "name", "status", "code"), [
    (bytes, "empty.txt", 422, "invalid"),
    (lambda: b"<html><script>alert(1)</script>", "cat.png", 422, "file_mislabelled"),
    (bomb, "cat.png", 422, "image_refused"),
    (lambda: image()[:60], "cut.png", 422, "image_refused"),
    (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * (11 << 20), "large.png", 413, "too_large"),
    (lambda: b"\0" * (51 << 20), "large.bin", 413, "too_large"),
])  # fmt: skip
async def test_what_is_no_good_is_refused_and_leaves_nothing(
    server: Server, org: Org, make: Callable[[], bytes], name: str, status: int, code: str
):
    answer = await send(org.owner, await server.general(org), make(), name)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    async with server.db.transaction(org.owner.actor) as tx:
        assert await tx.value("select count(*) from files") == 0
        await tx.run("update stray_blobs set due_at = now()")
    await sweep(server)
    assert kept(server, org) == 0


@pytest.mark.rule("B8")
async def test_one_that_is_too_large_is_refused_while_it_comes(server: Server, org: Org):
    """It does not say how large it is, and does not come whole."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 500:
            taken += 1
            yield b"\0" * (1 << 20)

    try:
        answer = await send(org.owner, await server.general(org), endless(), "endless.bin")
    except httpx.TransportError:
        answer = None  # it was told while it sent, and did not listen
    assert answer is None or answer.status_code == 413
    assert taken < 250


@pytest.mark.rule("B8")
async def test_nothing_leaves_as_something_that_a_browser_runs(server: Server, org: Org):
    general = await server.general(org)
    hostile = {
        "page.html": b"<html><script>alert(1)</script>",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "code.js": b"alert(1)",
        'na"me\r\nSet-Cookie: a=b\u202efdp.xhtml'.encode().decode(): b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>",
    }  # fmt: skip
    for name, data in hostile.items():
        read = await content(org.owner, await sent(org.owner, general, data, name))
        assert read.content == data
        kind = read.headers["content-type"]
        assert kind in {"application/octet-stream", "text/plain; charset=utf-8"}
        assert read.headers["content-disposition"].startswith("attachment; ")
        assert read.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in read.headers["content-security-policy"]
        assert "set-cookie" not in read.headers
        assert "\u202e" not in read.headers["content-disposition"]


@pytest.mark.rule("B8")
async def test_an_image_is_shown_small_upright_and_without_what_its_camera_wrote(server: Server, org: Org):
    general = await server.general(org)
    file = await sent(org.owner, general, photograph(), "holiday.jpg")
    assert (file["width"], file["height"]) == (200, 400)
    message = await post(org.owner, general, file, content="look")
    assert message["metadata"]["files"][0]["height"] == 400
    shown = await org.owner.api.get(f"/files/{file['id']}/thumbnail")
    assert shown.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(shown.content)) as small:
        assert small.size == (200, 400)
        assert not small.getexif()
    assert b"at home" not in shown.content
    whole = await content(org.owner, file)
    assert (whole.headers["content-type"], whole.content) == ("image/jpeg", photograph())
    assert whole.headers["content-disposition"].startswith("inline; ")
    saved = await org.owner.api.get(f"/files/{file['id']}/content?save=true")
    assert saved.headers["content-disposition"].startswith("attachment; ")


@pytest.mark.rule("B8")
async def test_a_download_goes_on_where_it_broke_off(server: Server, org: Org):
    data = bytes(range(256)) * 3000
    file = await sent(org.owner, await server.general(org), data, "data.bin")
    whole = await content(org.owner, file)
    tag = whole.headers["etag"]
    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, data, "bytes")
    part = await content(org.owner, file, range="bytes=600000-")
    assert (part.status_code, part.content) == (206, data[600_000:])
    assert part.headers["content-range"] == f"bytes 600000-{len(data) - 1}/{len(data)}"
    assert (await content(org.owner, file, range="bytes=5-9", **{"if-range": tag})).content == data[5:10]
    assert (await content(org.owner, file, range="bytes=5-9", **{"if-range": '"old"'})).status_code == 200
    assert (await content(org.owner, file, range=f"bytes={len(data)}-")).status_code == 416
    known = await content(org.owner, file, **{"if-none-match": tag})
    assert (known.status_code, known.content) == (304, b"")


async def test_the_same_post_sent_again_is_the_same_message(server: Server, org: Org):
    general = await server.general(org)
    file = await sent(org.owner, general, b"once")
    one = await post(org.owner, general, file, client_id="again")
    assert (await post(org.owner, general, file, client_id="again"))["id"] == one["id"]


async def test_an_agent_sends_and_reads_files(server: Server, org: Org):
    general, agent = await server.general(org), await server.hire(org)
    file = await sent(agent, general, b"found it", "report.txt")
    message = await post(agent, general, file, content="here")
    assert message["author"]["id"] == agent.id
    assert (await content(agent, file)).content == b"found it"


@pytest.mark.rule("C9")
async def test_storage_is_metered_and_shown_to_who_may_see_it(server: Server, org: Org, other_org: Org):
    private, agent, member = await server.channel(org.owner, type="private"), await server.hire(org), await org.add()
    general = await server.general(org)
    await post(org.owner, private, await sent(org.owner, private, b"12345"))
    await post(agent, general, await sent(agent, general, b"123"))
    dropped = await sent(org.owner, general, b"1234567")
    (await org.owner.api.delete(f"/files/{dropped['id']}")).raise_for_status()
    await sweep(server)

    async def used(who: Any, **asked: str) -> list[tuple[str | None, int, int]]:
        rows = (await who.api.get("/usage/storage", params=asked)).raise_for_status().json()["items"]
        return [((row["conversation"] or row["agent"] or {}).get("id"), row["files"], row["bytes"]) for row in rows]

    assert await used(org.owner) == [(None, 2, 8)]
    assert await used(org.owner, group="conversation") == [(private, 1, 5), (general, 1, 3)]
    assert await used(org.owner, group="agent") == [(None, 1, 5), (agent.id, 1, 3)]
    assert await used(org.owner, conversation=private) == [(None, 1, 5)]
    assert await used(member) == [(None, 1, 3)]
    assert (await member.api.get("/usage/storage", params={"conversation": private})).status_code == 404
    assert await used(other_org.owner) == []
    (row,) = (await org.owner.api.get("/usage/storage", params={"since": "9999-12-31T23:59:59-23:00"})).json()["items"]
    assert (row["bytes"], row["bytes_added"]) == (8, 0)
