import asyncio

import pytest

from crewhall.ports.message_log import MessageKind
from tests.conversations.ways import direct, group, post


@pytest.mark.rule("E4")
async def test_posts_are_of_a_kind(server, org):
    agent, general = await server.hire(org), await server.general(org)
    for kind in MessageKind:
        assert (await post(org.owner, general, kind=str(kind)))["kind"] == kind
    assert (
        await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "x", "kind": "rant"})
    ).is_error
    assert (await post(org.owner, general))["kind"] == "message"
    assert (await post(agent, general))["kind"] == "update"
    assert (await post(agent, await direct(org.owner, agent)))["kind"] == "message"


@pytest.mark.rule("B7")
async def test_nobody_posts_in_another_voice(server, org):
    agent, general = await server.hire(org), await server.general(org)
    assert (await post(org.owner, general))["role"] == "user"
    assert (await post(agent, general))["role"] == "assistant"
    assert (await post(agent, general, role="tool"))["role"] == "tool"
    for someone, roles in ((org.owner, ("assistant", "system", "tool")), (agent, ("user", "system"))):
        for role in roles:
            path = f"/conversations/{general}/messages"
            assert (await someone.api.post(path, json={"content": "x", "role": role})).status_code == 403


@pytest.mark.rule("X1")
async def test_a_repeated_client_id_is_the_same_message(server, org):
    ada, general = await org.add(), await server.general(org)
    path = f"/conversations/{general}/messages"
    body = {"content": "once", "client_id": "c-1", "metadata": {"a": 1}}
    answers = await asyncio.gather(*(ada.api.post(path, json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["seq"] for answer in answers}) == 1
    other = await ada.api.post(path, json={**body, "content": "twice"})
    assert (other.status_code, other.json()["code"]) == (409, "client_id_reused")
    assert (await org.owner.api.post(path, json=body)).status_code == 201
    elsewhere = await group(ada)
    assert (await ada.api.post(f"/conversations/{elsewhere}/messages", json=body)).status_code == 201


async def test_a_repeated_client_id_shows_the_message_as_it_is_now(server, org):
    general = await server.general(org)
    path = f"/conversations/{general}/messages"
    body = {"content": "once", "client_id": "c-now"}
    first = (await org.owner.api.post(path, json=body)).json()
    assert (await org.owner.api.post(path, json=body)).json() == first
    (await org.owner.api.patch(f"{path}/{first['id']}", json={"content": "twice"})).raise_for_status()
    again = await org.owner.api.post(path, json=body)
    assert (again.status_code, again.json()["content"]) == (200, "twice")
    assert again.json() == (await org.owner.api.get(f"{path}/{first['id']}")).json()
    (await org.owner.api.delete(f"{path}/{first['id']}")).raise_for_status()
    again = await org.owner.api.post(path, json=body)
    assert (again.status_code, again.json()["content"], again.json()["html"]) == (200, "", "")
    assert again.json()["deleted_at"] is not None


async def test_a_reply_to_a_deleted_message_is_told_so(server, org):
    general = await server.general(org)
    path = f"/conversations/{general}/messages"
    gone = await post(org.owner, general)
    (await org.owner.api.delete(f"{path}/{gone['id']}")).raise_for_status()
    refused = await org.owner.api.post(path, json={"content": "x", "parent_id": gone["id"]})
    assert (refused.status_code, refused.json()["field"]) == (422, "parent_id")
    assert "was deleted" in refused.json()["detail"]


@pytest.mark.rule("B7")
async def test_threads_hang_on_a_message_of_the_same_conversation(server, org):
    circle, other = await group(org.owner), await group(org.owner)
    parent, stranger = await post(org.owner, circle), await post(org.owner, other)
    replies = [await post(org.owner, circle, str(number), parent_id=parent["id"]) for number in range(3)]
    thread = (await org.owner.api.get(f"/conversations/{circle}/messages", params={"parent": parent["id"]})).json()
    assert [item["id"] for item in thread["items"]] == [reply["id"] for reply in replies]
    for wrong in (stranger["id"], replies[0]["id"], org.id):
        body = {"content": "x", "parent_id": str(wrong)}
        assert (await org.owner.api.post(f"/conversations/{circle}/messages", json=body)).status_code == 422


async def test_mentions_are_resolved_within_what_the_author_may_see(server, org, other_org):
    ada = await org.add()
    public, hidden = await server.hire(org), await server.hire(org, visibility="hidden")
    stranger = await server.hire(other_org)
    handle = (await org.owner.api.get(f"/people/{ada.id}")).json()["handle"]
    text = f"@{handle} @{public.code} @{hidden.code} @{stranger.code} @nobody `@{public.code}`"
    general = await server.general(org)
    assert set((await post(ada, general, text))["mentions"]) == {str(ada.id), public.id}
    assert set((await post(org.owner, general, text))["mentions"]) == {str(ada.id), public.id, hidden.id}
    posted = await post(ada, await group(ada), text)
    assert posted["html"].count('class="mention"') == 2


@pytest.mark.parametrize("path", [
    "/search?q=%ED%A0%80", "/search?q=%FF", "/conversations?q=%ED%A0%80", "/conversations?q=%FF",
    "/conversations?after=%FF",
    "/search?q=a&after=%ED%A0%80", "/conversations?q=%00",
])  # fmt: skip
async def test_text_that_is_no_unicode_breaks_nothing(org, path):
    assert (await org.owner.api.get(path)).status_code < 500


async def test_bodies_that_are_no_unicode_break_nothing(server, org):
    general = await server.general(org)
    message = await post(org.owner, general)
    for raw in (
        b'{"content":"\\ud800"}',
        b'{"content":"\xff"}',
        b'{"content":"x","metadata":{"a":"\\udfff"}}',
        b"[",
        b"[]",
    ):
        for path in (f"/conversations/{general}/messages", f"/conversations/{general}/read", "/conversations"):
            headers = {"content-type": "application/json"}
            answer = await org.owner.api.post(path, content=raw, headers=headers)
            assert 400 <= answer.status_code < 500, (raw, path, answer.text)
    for emoji in ("%FF", "%ED%A0%80", "%F0%9F%91"):
        path = f"/conversations/{general}/messages/{message['id']}/reactions/{emoji}"
        assert 400 <= (await org.owner.api.put(path)).status_code < 500
