"""Drafts of files alone: listed with their names, and let go of where one reads no more."""

from typing import Any

import pytest

from tests.conversations.ways import group
from tests.files.making import sent
from tests.identity.hall import Org
from tests.support.server import Server


@pytest.mark.rule("B8", "E4")
async def test_drafts_of_files_alone_are_listed_and_let_go_of_with_the_conversation(server: Server, org: Org):
    member, general = await org.add(), await server.general(org)
    circle = await group(org.owner, member)
    browser, _ = await server.browse(member)
    kept = []
    for place, name in ((general, "alone.txt"), (circle, "secret.txt"), (circle, "beside.txt")):
        file = await sent(member, place, name.encode(), name)
        (await member.api.put(f"/conversations/{place}/draft/files/{file['id']}")).raise_for_status()
        kept.append(file["id"])
    (await member.api.put(f"/conversations/{circle}/draft", json={"content": "half", "version": 0})).raise_for_status()

    async def listed(who: Any, **query: str) -> list[tuple[str, list[str]]]:
        items = (await who.api.get("/drafts", params=query)).raise_for_status().json()["items"]
        return [(one["content"], [file["name"] for file in one["files"]]) for one in items]

    both = [("half", ["secret.txt", "beside.txt"]), ("", ["alone.txt"])]
    assert await listed(member) == both
    assert await listed(member, conversation=general) == both[1:]
    assert await listed(org.owner) == []
    first = (await member.api.get("/drafts", params={"limit": "1"})).json()
    assert await listed(member, after=first["next"]) == both[1:]
    page = (await browser.get(f"{server.address}/drafts")).text
    assert all(name in page for name in ("alone.txt", "secret.txt", "beside.txt"))
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{member.id}")).raise_for_status()
    assert await listed(member) == [("half", []), ("", ["alone.txt"])]  # the words stay theirs
    origin = {"origin": server.address}
    other, _ = await server.browse(org.owner)
    where, drop = {"conversation_id": general}, f"{server.address}/drafts/drop"
    await other.post(drop, data=where, headers=origin)
    assert (await listed(member))[1:] == both[1:]  # nobody throws away another one's
    assert (await browser.post(drop, data=where, headers=origin)).status_code == 303
    assert await listed(member) == [("half", [])]
