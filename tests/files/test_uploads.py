"""Uploads in parts: broken off, gone on with, finished once; as clients of tus 1.0 speak."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.files.making import bomb, image, post, sent, stating
from tests.identity.hall import Member, Org
from tests.support.server import Server, token_of
from tests.support.waiting import until

PART = {"content-type": "application/offset+octet-stream", "tus-resumable": "1.0.0"}
DATA = bytes(range(256)) * 8000


async def begin(who: Member, where: str, size: int = len(DATA), name: str = "data.bin") -> str:
    """Begin an upload as a tus client does; returns its address below the API."""
    said = f"filename {base64.b64encode(name.encode()).decode()},filetype {base64.b64encode(b'x/y').decode()}"
    headers = {"upload-length": str(size), "upload-metadata": said, "tus-resumable": "1.0.0"}
    begun = await who.api.post(f"/conversations/{where}/uploads", headers=headers)
    assert (begun.status_code, begun.headers["tus-resumable"]) == (201, "1.0.0"), begun.text
    return begun.headers["location"].removeprefix("/api/v1")


async def send(who: Member, place: str, offset: int, data: bytes | AsyncIterator[bytes]) -> Any:
    return await who.api.patch(place, content=data, headers=PART | {"upload-offset": str(offset)})


async def offset_of(who: Member, place: str) -> int:
    head = await who.api.head(place)
    assert head.headers["cache-control"] == "no-store"
    return int(head.headers["upload-offset"])


@pytest.mark.rule("B8")
async def test_parts_become_the_file(server: Server, org: Org):
    general = await server.general(org)
    place = await begin(org.owner, general)
    for at in range(0, len(DATA), 900_000):
        assert await offset_of(org.owner, place) == at
        answer = await send(org.owner, place, at, DATA[at : at + 900_000])
        assert (answer.status_code, int(answer.headers["upload-offset"])) == (204, min(len(DATA), at + 900_000))
    assert await offset_of(org.owner, place) == len(DATA)
    file = place.replace("uploads", "files")
    assert (await org.owner.api.get(file + "/content")).content == DATA
    message = await post(org.owner, general, {"id": file.rpartition("/")[2]})
    assert message["metadata"]["files"][0]["name"] == "data.bin"


@pytest.mark.rule("B8")
async def test_what_breaks_off_goes_on_from_there(server: Server, org: Org):
    """The connection is cut in the middle of a part: what came of it is kept."""
    place = await begin(org.owner, await server.general(org))
    address = urlsplit(server.address)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    head = {
        **PART, "host": "x", "authorization": f"Bearer {token_of(org.owner.api)}", "upload-offset": "0",
        "content-length": str(len(DATA)),
    }  # fmt: skip
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"PATCH /api/v1{place} HTTP/1.1\r\n{lines}\r\n".encode() + DATA[:700_000])
    await writer.drain()
    writer.close()

    async def came() -> int:
        return await offset_of(org.owner, place)

    at = await until(came)
    assert 0 < at <= 700_000
    assert (await send(org.owner, place, at, DATA[at:])).status_code == 204
    assert (await org.owner.api.get(place.replace("uploads", "files") + "/content")).content == DATA


@pytest.mark.rule("B8")
async def test_a_part_that_is_not_what_was_sent_is_sent_again(server: Server, org: Org):
    place = await begin(org.owner, await server.general(org), 10)
    for stated in (stating(b"01230"), "sha-256=no"):
        headers = PART | {"upload-offset": "0", "content-digest": stated}
        refused = await org.owner.api.patch(place, content=b"01234", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "upload_damaged")
        assert await offset_of(org.owner, place) == 0
    for at, data in ((0, b"01234"), (5, b"56789")):
        headers = PART | {"upload-offset": str(at), "content-digest": stating(data)}
        assert (await org.owner.api.patch(place, content=data, headers=headers)).status_code == 204
    assert (await org.owner.api.get(place.replace("uploads", "files") + "/content")).content == b"0123456789"


@pytest.mark.rule("B8")
async def test_parts_come_in_order_from_their_own_uploader(server: Server, org: Org, other_org: Org):
    general, member = await server.general(org), await org.add()
    place = await begin(org.owner, general, 10)
    for stranger in (member, other_org.owner):
        assert (await stranger.api.get(place)).status_code == 404
        assert (await send(stranger, place, 0, b"01234")).status_code == 404
        assert (await stranger.api.delete(place)).status_code == 404
    wrong = await send(org.owner, place, 5, b"56789")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["offset"]) == (409, "offset_passed", 0)
    both = await asyncio.gather(*[send(org.owner, place, 0, b"01234") for _ in range(2)])
    assert sorted(answer.status_code for answer in both) == [204, 409]
    assert (await send(org.owner, place, 5, b"56789")).status_code == 204
    assert (await org.owner.api.patch(place, content=b"x", headers={"upload-offset": "10"})).status_code == 415


@pytest.mark.rule("B8")
@pytest.mark.parametrize(("name", "data", "code"), [
    ("cat.png", b"<html>" + b"x" * 9000, "file_mislabelled"), ("cat.png", bomb(), "image_refused"),
    ("more.txt", b"x" * 20_000, "invalid"),
])  # fmt: skip
async def test_an_upload_that_is_no_good_is_gone(server: Server, org: Org, name: str, data: bytes, code: str):
    size = 100 if name == "more.txt" else len(data)
    place = await begin(org.owner, await server.general(org), size, name)
    answer = await send(org.owner, place, 0, data)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await org.owner.api.get(place)).status_code == 404


@pytest.mark.rule("B8")
async def test_nobody_heaps_up_what_nobody_posts(server: Server, org: Org, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("crewhall.conversations.file_store.MAX_PENDING", 1000)
    general = await server.general(org)
    (waiting,) = [await sent(org.owner, general, b"x" * 600)]
    refused = await org.owner.api.post(f"/conversations/{general}/uploads", json={"name": "a.bin", "size": 600})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_files")
    await post(org.owner, general, waiting)
    await begin(org.owner, general, 600)


@pytest.mark.rule("B8")
async def test_too_large_a_one_does_not_begin_and_a_cancelled_one_is_gone(server: Server, org: Org):
    general = await server.general(org)
    for name, size, status in (("a.bin", 51 << 20, 413), ("a.png", 11 << 20, 413), ("a.png", 9 << 20, 201)):
        begun = await org.owner.api.post(f"/conversations/{general}/uploads", json={"name": name, "size": size})
        assert begun.status_code == status
    assert (await org.owner.api.post(f"/conversations/{general}/uploads")).status_code == 422
    place = await begin(org.owner, general, len(image()) * 2, "a.png")
    assert (await send(org.owner, place, 0, image())).status_code == 204
    assert (await org.owner.api.delete(place)).status_code == 204
    assert (await org.owner.api.head(place)).status_code == 404
