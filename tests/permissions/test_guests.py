"""A guest is told to sign in, whatever else is wrong with the request: nothing of it is judged before."""

import asyncio
import re
from itertools import product

import httpx
import pytest

from crewhall.kernel.ids import new_id
from tests.identity.hall import Org
from tests.support.description import Operation, read_operations
from tests.support.server import Server

BROKEN = {
    "nothing": b"",
    "cut off": b'{"content": ',
    "no text": b"\xff\xfe",
    "another type": b"[7]",
    "unknown fields": b'{"nobody_knows": "this"}',
    "too deep": b"[" * 10_000,
}
NAMES = {"member_type": "nobody", "emoji": "no emoji"}


@pytest.fixture(scope="module")
async def operations(server: Server) -> list[Operation]:
    return await read_operations(server.client())


async def ask(guest: httpx.AsyncClient, operation: Operation, body: bytes, *, mangled: bool) -> httpx.Response:
    """Ask with a body and a query that no operation takes, and (`mangled`) values in the path that fit nothing."""

    def named(found: re.Match[str]) -> str:
        return NAMES.get(found[1], str(new_id())) if mangled or found[1] not in NAMES else "user"

    path = re.sub(r"\{(\w+)\}", named, operation.path)
    return await guest.request(
        operation.method,
        path,
        params={"limit": "-1", "after": "\x00", "before": "x", "conversation": "x", "kind": "x"},
        content=body,
        headers={"content-type": "application/json"},
    )


@pytest.mark.rule("B1")
async def test_a_guest_is_told_to_sign_in_first(server: Server, operations: list[Operation]) -> None:
    """Each operation gets every body, and between them each kind of guest and of path with the other."""
    closed = [operation for operation in operations if operation.spec.get("security") != []]
    assert len(closed) > 50
    guests = (server.client(), server.client(cookie="cws_" + "0" * 43))
    kinds = list(product(guests, (False, True)))
    for shift, (name, body) in enumerate(BROKEN.items()):
        asked = [(one, *kinds[(number + shift) % len(kinds)]) for number, one in enumerate(closed)]
        answers = await asyncio.gather(*(ask(guest, one, body, mangled=mangled) for one, guest, mangled in asked))
        told = {
            str(one): (answer.status_code, answer.json()["code"]) for one, answer in zip(closed, answers, strict=True)
        }
        assert told == dict.fromkeys(told, (401, "unauthenticated")), name


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_what_is_open_to_guests_judges_what_they_send(
    server: Server, operations: list[Operation], body: bytes
) -> None:
    opened = [operation for operation in operations if operation.spec.get("security") == []]
    assert len(opened) == 8
    statuses = {str(one): (await ask(server.client(), one, body, mangled=False)).status_code for one in opened}
    assert statuses.pop("POST /hooks/{hook_id}") == 401  # whatever it sends: it is not signed
    assert statuses.pop("POST /github/hooks/{connection_id}") == 401
    assert set(statuses.values()) <= {400, 422}, statuses


async def test_who_is_signed_in_is_told_what_is_wrong(server: Server, org: Org) -> None:
    channel = await server.general(org)
    for path in (f"/conversations/{channel}/messages", "/agents"):
        for body in BROKEN.values():
            answer = await org.owner.api.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code in {400, 422}, answer.text
    assert (await org.owner.api.get("/search")).status_code == 422
