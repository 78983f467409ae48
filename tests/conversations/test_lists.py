import asyncio

import pytest

from crewhall.conversations.queries import list_conversations
from tests.conversations.ways import as_member, direct, group, post, show


async def listed(someone, **params):
    return {item["id"]: item for item in (await someone.api.get("/conversations", params=params)).json()["items"]}


async def test_unread_counts_messages_of_others_after_the_mark(server, org):
    ada, bob = await org.add(), await org.add()
    circle = await group(org.owner, ada, bob)
    for content in ("one", "two", "three"):
        last = await post(org.owner, circle, content)
    await post(ada, circle, "mine")
    assert (await listed(ada))[circle]["unread"] == 3
    assert (await listed(bob))[circle]["unread"] == 4
    assert (await listed(org.owner))[circle]["unread"] == 1
    marked = await ada.api.post(f"/conversations/{circle}/read", json={"seq": last["seq"] - 1})
    assert marked.json() == {"last_read_seq": last["seq"] - 1}
    assert (await listed(ada))[circle]["unread"] == 1


async def test_overlays_and_what_was_there_before_joining_are_not_unread(server, org):
    ada = await org.add()
    channel = await server.channel(org.owner)
    message = await post(org.owner, channel)
    assert (await show(ada, channel))["unread"] == 0
    (await ada.api.post(f"/conversations/{channel}/join")).raise_for_status()
    assert (await show(ada, channel))["unread"] == 0
    path = f"/conversations/{channel}/messages/{message['id']}"
    (await org.owner.api.patch(path, json={"content": "other"})).raise_for_status()
    (await org.owner.api.put(f"{path}/reactions/👍")).raise_for_status()
    assert (await show(ada, channel))["unread"] == 0
    await post(org.owner, channel)
    assert (await show(ada, channel))["unread"] == 1


async def test_unread_is_capped_and_says_so(server, org):
    ada = await org.add()
    circle = await group(org.owner, ada)
    await asyncio.gather(*(post(org.owner, circle, str(number)) for number in range(100)))
    shown = await show(ada, circle)
    assert (shown["unread"], shown["unread_capped"]) == (100, False)
    await post(org.owner, circle)
    shown = await show(ada, circle)
    assert (shown["unread"], shown["unread_capped"]) == (100, True)


async def test_a_mention_among_the_unread_is_flagged(server, org):
    ada = await org.add()
    handle = (await org.owner.api.get(f"/people/{ada.id}")).json()["handle"]
    circle = await group(org.owner, ada)
    await post(org.owner, circle, "nobody")
    assert (await show(ada, circle))["mentioned"] is False
    message = await post(org.owner, circle, f"hi @{handle}")
    assert (await show(ada, circle))["mentioned"] is True
    (await ada.api.post(f"/conversations/{circle}/read", json={"seq": message["seq"]})).raise_for_status()
    assert (await show(ada, circle))["mentioned"] is False


async def test_the_read_mark_moves_forward_only_and_never_past_the_head(server, org):
    circle = await group(org.owner)
    last = await post(org.owner, circle)
    read = f"/conversations/{circle}/read"
    assert (await org.owner.api.post(read, json={"seq": 10**12})).json()["last_read_seq"] == last["seq"]
    assert (await org.owner.api.post(read, json={"seq": 0})).json()["last_read_seq"] == last["seq"]
    for wrong in (-1, 2**70, "x", None):
        assert (await org.owner.api.post(read, json={"seq": wrong})).status_code in {400, 422}
    outsider = await org.add()
    channel = await server.channel(org.owner)
    await post(org.owner, channel)
    assert (await outsider.api.post(f"/conversations/{channel}/read", json={"seq": 1})).json() == {"last_read_seq": 0}


async def test_the_list_shows_what_is_joined_or_open_and_filters(server, org):
    ada, agent = await org.add(), await server.hire(org)
    open_channel = await server.channel(org.owner, name="open-house")
    secret = await server.channel(org.owner, type="private")
    circle = await group(org.owner, ada, title="Book club")
    talk = await direct(ada, agent)
    everything = await listed(ada)
    assert {open_channel, circle, talk} <= set(everything)
    assert secret not in everything
    assert set(await listed(ada, member="me")) == {circle, talk}
    assert set(await listed(ada, kind="group")) == {circle}
    assert set(await listed(ada, q="BOOK")) == {circle}
    assert set(await listed(ada, q="house")) == {open_channel}
    assert set(await listed(agent, kind="agent")) == {agent.inbox_id}
    assert set(await listed(ada, kind="agent")) == set()
    for wrong in ({"kind": "other"}, {"member": "you"}, {"limit": 0}, {"after": "%%%"}, {"q": "x" * 201}):
        assert (await ada.api.get("/conversations", params=wrong)).status_code in {400, 422}, wrong


async def test_pages_follow_each_other_last_active_first(server, org):
    channels = [await server.channel(org.owner, type="private") for _ in range(5)]
    await post(org.owner, channels[0])
    seen, after = [], {}
    while True:
        page = (await org.owner.api.get("/conversations", params={"limit": 3, "member": "me", **after})).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen[:5] == [channels[0], *reversed(channels[1:])]
    assert len(seen) == len(set(seen)) == 5 + 4  # the owner is in the four default channels


@pytest.mark.rule("B1")
async def test_nothing_of_another_tenant_is_listed(server, org, other_org):
    theirs = await server.channel(other_org.owner)
    assert theirs not in await listed(org.owner)
    body = {"kind": "group", "title": "x", "members": [as_member(other_org.owner)]}
    assert (await org.owner.api.post("/conversations", json=body)).status_code == 422


async def test_a_page_of_conversations_is_one_statement(server, org, monkeypatch):
    for number in range(12):
        await post(org.owner, await group(org.owner, title=f"g{number}"))
    async with server.db.transaction(org.owner.actor) as tx:
        statements = []
        execute = tx.connection.execute

        async def counted(sql, params=None):
            statements.append(sql)
            return await execute(sql, params)

        monkeypatch.setattr(tx.connection, "execute", counted)
        page = await list_conversations(tx, org.owner.actor, mine=True)
        monkeypatch.undo()
    assert len(page.items) >= 12
    assert len(statements) == 1


@pytest.mark.rule("B1")
async def test_what_is_near_is_joined_starred_or_written_by_crewhall(server, org, other_org):
    ada = await org.add()
    joined, circle = await group(org.owner, ada), await group(org.owner, ada)
    starred, quiet = [await server.channel(org.owner) for _ in range(2)]
    secret = await server.channel(org.owner, type="private", members=[as_member(ada)])
    for place in (starred, circle, secret):
        (await ada.api.put(f"/conversations/{place}/star")).raise_for_status()
    for place in (circle, secret):
        (await org.owner.api.delete(f"/conversations/{place}/members/user/{ada.id}")).raise_for_status()

    async def near(member, **params):
        async with server.db.transaction(member.actor) as tx:
            return {str(one.id): one for one in (await list_conversations(tx, member.actor, near=True, **params)).items}

    shown = await near(ada)
    assert joined in shown
    assert starred in shown
    assert not shown.keys() & {quiet, circle, secret}
    assert (shown[starred].is_member, shown[starred].is_starred, shown[joined].is_member) == (False, True, True)
    assert shown.keys() == (await near(ada, limit=100)).keys()
    assert {one.type for one in (await near(org.owner)).values()} >= {"system", "public", "private"}
    assert not (await near(other_org.owner)).keys() & {joined, starred, quiet, circle, secret}
