"""What people keep for themselves: saved messages, stars, and where they left off reading."""

import re
from typing import Any

import httpx
import pytest

from crewhall.conversations import pages_keeping
from tests.identity.hall import Org
from tests.support.server import Server


async def _said(api: httpx.AsyncClient, where: str, content: str) -> dict[str, Any]:
    answer = await api.post(f"/conversations/{where}/messages", json={"content": content})
    return dict(answer.raise_for_status().json())


def _saved(message: dict[str, Any]) -> str:
    return f"/conversations/{message['conversation_id']}/messages/{message['id']}/saved"


async def _list(api: httpx.AsyncClient, **query: str) -> dict[str, Any]:
    return dict((await api.get("/saved", params=query)).raise_for_status().json())


async def _unread(api: httpx.AsyncClient, where: str) -> int:
    return int((await api.get(f"/conversations/{where}")).raise_for_status().json()["unread"])


@pytest.mark.rule("E4")
async def test_a_person_saves_messages_with_a_note_until_they_are_done(server: Server, org: Org):
    api, where = org.owner.api, await server.channel(org.owner)
    first, second = [await _said(api, where, text) for text in ("one", "two")]
    kept = (await api.put(_saved(first), json={"note": "ask again"})).raise_for_status().json()
    assert (kept["note"], kept["done_at"], kept["message"]["content"]) == ("ask again", None, "one")
    (await api.put(_saved(second))).raise_for_status()
    assert [item["message"]["content"] for item in (await _list(api))["items"]] == ["two", "one"]
    page = await _list(api, limit="1")
    assert [item["message"]["content"] for item in (await _list(api, after=page["next"]))["items"]] == ["one"]
    done = (await api.put(_saved(first), json={"done": True})).raise_for_status().json()
    assert done["note"] == "ask again", "what is left out stays"
    assert [item["message"]["content"] for item in (await _list(api, status="done"))["items"]] == ["one"]
    assert [item["message"]["content"] for item in (await _list(api, conversation=where))["items"]] == ["two"]
    for _ in range(2):
        (await api.delete(_saved(second))).raise_for_status()
    assert (await _list(api))["items"] == []


@pytest.mark.rule("B1", "E4")
async def test_what_is_saved_is_ones_own_and_read_as_far_as_one_may(server: Server, org: Org, other_org: Org):
    private = await server.channel(org.owner, type="private")
    message = await _said(org.owner.api, private, "hush")
    member = await org.add()
    assert (await member.api.put(_saved(message))).status_code == 404
    someone = {"member_type": "user", "member_id": str(member.id)}
    (await org.owner.api.post(f"/conversations/{private}/members", json=someone)).raise_for_status()
    (await member.api.put(_saved(message), json={"note": "mine"})).raise_for_status()
    assert (await _list(org.owner.api))["items"] == [], "nobody else sees it"
    (await org.owner.api.delete(f"/conversations/{private}/members/user/{member.id}")).raise_for_status()
    assert (await _list(member.api))["items"] == [], "it is not shown to who may no longer read it"
    (await member.api.delete(_saved(message))).raise_for_status()
    (await org.owner.api.post(f"/conversations/{private}/members", json=someone)).raise_for_status()
    assert (await _list(member.api))["items"] == [], "but they could forget it"
    assert (await other_org.owner.api.put(_saved(message))).status_code == 404
    agent = await server.hire(org)
    assert (await agent.api.get("/saved")).json()["code"] == "forbidden"


@pytest.mark.rule("C3")
async def test_an_archived_conversation_is_kept_and_marked_all_the_same(server: Server, org: Org):
    api, where = org.owner.api, await server.channel(org.owner)
    message = await _said(api, where, "history")
    (await api.put(f"/conversations/{where}/archive")).raise_for_status()
    assert (await api.put(_saved(message))).status_code == 200
    assert (await api.put(f"/conversations/{where}/star")).status_code == 204
    assert (await api.put(f"/conversations/{where}/messages/{message['id']}/pin")).status_code == 409


async def test_each_page_of_a_history_tells_changes_and_leads_back(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages_keeping, "VERSIONS", 2)
    api, where = org.owner.api, await server.channel(org.owner)
    path = f"/conversations/{where}/messages/{(await _said(api, where, 'version 1'))['id']}"
    for number in range(2, 6):
        (await api.patch(path, json={"content": f"version {number}"})).raise_for_status()
    browser, _ = await server.browse(org.owner)
    browser.base_url = server.address
    address, found, links = f"/c/{path.removeprefix('/conversations/')}/history", [], []
    while address:
        page = (await browser.get(address, headers={"accept": "text/html"})).text.partition(
            '<turbo-frame id="versions"'
        )[2]
        found.append(re.findall(r"<(?:del|ins)>(?:version )?(\d)</", page))
        links.append({name: to for to, name in re.findall(r'href="([^"]+)">(Earlier|Later) versions<', page)})
        address = links[-1].get("Later", "")
    assert found == [["1", "2"], ["2", "3", "3", "4"], ["4", "5"]]
    assert ["Earlier" in one for one in links] == [False, True, True]
    assert links[1]["Earlier"].endswith("/history")
    assert links[2]["Earlier"] == links[0]["Later"]


async def test_a_star_is_the_persons_own(server: Server, org: Org):
    where, member = await server.general(org), await org.add()
    (await org.owner.api.put(f"/conversations/{where}/star")).raise_for_status()
    seen = [(await one.api.get(f"/conversations/{where}")).json()["is_starred"] for one in (org.owner, member)]
    assert seen == [True, False]
    (await org.owner.api.delete(f"/conversations/{where}/star")).raise_for_status()
    assert not (await org.owner.api.get(f"/conversations/{where}")).json()["is_starred"]
    private = await server.channel(org.owner, type="private")
    assert (await member.api.put(f"/conversations/{private}/star")).status_code == 404


async def test_reading_is_taken_up_again_at_a_message(server: Server, org: Org):
    where, member = await server.general(org), await org.add()
    (await member.api.post(f"/conversations/{where}/join")).raise_for_status()
    said = [await _said(org.owner.api, where, f"m{number}") for number in range(4)]
    (await member.api.post(f"/conversations/{where}/read", json={"seq": said[-1]["seq"]})).raise_for_status()
    assert await _unread(member.api, where) == 0
    back = {"seq": said[1]["seq"]}
    moved = (await member.api.post(f"/conversations/{where}/unread", json=back)).raise_for_status().json()
    assert moved["last_read_seq"] == said[1]["seq"] - 1
    assert await _unread(member.api, where) == 3
    ahead = {"seq": said[-1]["seq"] + 9}
    (await member.api.post(f"/conversations/{where}/unread", json=ahead)).raise_for_status()
    assert await _unread(member.api, where) == 3, "it never moves forward"
    private = await server.channel(org.owner, type="private")
    assert (await member.api.post(f"/conversations/{private}/unread", json=back)).status_code == 404
