"""Groups fall idle and archive themselves, read-only until somebody restores them."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from crewhall.conversations import ConversationParts
from crewhall.conversations.archiving import archive_if_idle
from crewhall.kernel.actor import system_actor
from tests.conversations.ways import direct, group, post, show
from tests.support.waiting import until


async def fall_silent(server, org, conversation, **ago):
    """Let the last message be so long ago; no clock has to look yet."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(
            "update conversation_heads set last_active_at = now() - %(ago)s where conversation_id = %(id)s",
            {"ago": timedelta(**ago), "id": conversation},
        )


async def let_pass(server, org, conversation, **ago):
    """Let the last message be so long ago, and let the clock look, as it would by now."""
    await fall_silent(server, org, conversation, **ago)
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(
            "update archivings set look_at = now() where conversation_id = %(id)s and look_at is not null",
            {"id": conversation},
        )


async def look(server):
    """As the clock of some process does; gives the seconds until the next look."""
    return await server.services.part(ConversationParts).archive.archive_due()


async def look_at(server, org, conversation):
    async with server.db.transaction(system_actor(org.id)) as tx:
        query = (
            "select extract(epoch from look_at - now())::float / 3600 from archivings where conversation_id = %(id)s"
        )
        return await tx.value(query, {"id": conversation})


async def listed(someone, **query):
    page = (await someone.api.get("/conversations", params=query)).raise_for_status().json()
    return {item["id"] for item in page["items"]}


@pytest.mark.rule("C3")
async def test_a_group_is_active_then_idle_then_archives_itself(server, org):
    friend = await org.add()
    circle = await group(org.owner, friend)
    assert (await show(friend, circle))["status"] == "active"
    await let_pass(server, org, circle, hours=25)
    await look(server)
    assert (await show(friend, circle))["status"] == "idle"
    assert circle in await listed(friend, status="idle")
    assert circle in await listed(friend)
    await post(friend, circle)  # whoever writes makes it active
    assert (await show(friend, circle))["status"] == "active"
    assert circle not in await listed(friend, status="idle")
    await let_pass(server, org, circle, days=8, seconds=1)
    await look(server)
    shown = await show(friend, circle)
    assert (shown["status"], shown["archived_by"]["type"]) == ("archived", "system")
    assert shown["archived_at"]
    assert shown["archives_at"] is None
    assert circle in await listed(friend, status="archived")
    assert circle not in await listed(friend)
    refused = await friend.api.post(f"/conversations/{circle}/messages", json={"content": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conversation_closed")
    assert len((await friend.api.get(f"/conversations/{circle}/messages")).json()["items"]) == 1
    acts = (await org.owner.api.get("/audit", params={"action": "conversation.archived"})).json()["items"]
    assert acts[0]["summary"] == "Crewhall archived the group “Circle”: nobody had written there for 8 days"


@pytest.mark.rule("C3")
async def test_who_restores_a_group_that_archived_itself(server, org, other_org):
    """Each of its members; one that somebody archived is the owner's and the admins' to restore."""
    friend, stranger = await org.add(), await org.add("admin")
    circle, closed = await group(org.owner, friend), await group(org.owner, friend)
    await let_pass(server, org, circle, days=9)
    await look(server)
    (await org.owner.api.put(f"/conversations/{closed}/archive")).raise_for_status()
    assert (await show(friend, closed))["archived_by"]["id"] == str(org.owner.id)
    for someone in (stranger, other_org.owner):
        assert (await someone.api.delete(f"/conversations/{circle}/archive")).status_code == 404
    assert (await friend.api.delete(f"/conversations/{closed}/archive")).status_code == 403
    restored = (await friend.api.delete(f"/conversations/{circle}/archive")).raise_for_status().json()
    assert (restored["status"], restored["archived_at"]) == ("active", None)
    await look(server)  # it has its whole time before it
    await post(friend, circle)
    assert await look_at(server, org, circle) == pytest.approx(8 * 24, abs=1)


async def test_the_page_says_who_restores_what_is_archived(server, org):
    friend = await org.add()
    circle, closed = await group(org.owner, friend), await group(org.owner, friend)
    await let_pass(server, org, circle, days=9)
    await look(server)
    (await org.owner.api.put(f"/conversations/{closed}/archive")).raise_for_status()
    for person, place, words in (
        (org.owner, closed, "It can be read, and restored."),
        (friend, closed, "It can be read, and restored by its owners and admins."),
        (friend, circle, "It can be read, and restored."),
    ):
        browser, _ = await server.browse(person)
        said = (await browser.get(f"{server.address}/c/{place}")).text
        assert words in said
        assert (f'action="/c/{place}/restore"' in said) is words.endswith("restored.")


async def test_who_looks_too_early_puts_it_off(server, org):
    circle, kept, shut, gone = [await group(org.owner) for _ in range(4)]
    channel, session = await server.channel(org.owner), await direct(org.owner, await server.hire(org))
    await let_pass(server, org, circle, days=3)
    for place in (kept, channel, session):
        await let_pass(server, org, place, days=300)
    changed = await org.owner.api.patch(f"/conversations/{kept}", json={"stays_open": True})
    assert (changed.json()["stays_open"], changed.json()["archives_at"]) == (True, None)
    (await org.owner.api.put(f"/conversations/{shut}/archive")).raise_for_status()
    (await org.owner.api.delete(f"/conversations/{gone}", params={"confirm": "Circle"})).raise_for_status()
    await let_pass(server, org, gone, days=300)
    await look(server)
    assert await look_at(server, org, circle) == pytest.approx(5 * 24, abs=1)
    assert [await look_at(server, org, place) for place in (kept, shut, gone)] == [None] * 3
    assert {(await show(org.owner, place))["status"] for place in (channel, session)} == {"active"}
    assert (await show(org.owner, kept))["status"] == "idle"
    for act in (org.owner.api.put, org.owner.api.delete):  # restored, it stays open still
        (await act(f"/conversations/{kept}/archive")).raise_for_status()
    await let_pass(server, org, kept, days=300)
    assert await look_at(server, org, kept) is None
    async with server.db.transaction(system_actor(org.id)) as tx:  # nor does one archive it who looks all the same
        assert not await archive_if_idle(tx, system_actor(org.id), server.services.log, UUID(kept))
    assert (await show(org.owner, kept))["status"] == "idle"
    wrong = await org.owner.api.patch(f"/conversations/{channel}", json={"stays_open": True})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "stays_open")
    (await org.owner.api.patch(f"/conversations/{kept}", json={"stays_open": False})).raise_for_status()

    async def has_archived_itself():  # the process's own clock is told of it
        return (await show(org.owner, kept))["status"] == "archived"

    await until(has_archived_itself)


@pytest.mark.rule("C3", "C10")
async def test_an_organization_settles_when_groups_archive_themselves(server, org, other_org):
    member, agent = await org.add(), await server.hire(org)
    circle, other = await group(member), await group(other_org.owner)
    settled = {"idle_after_hours": 1, "archive_after_days": 2}
    assert (await member.api.get("/idle-policy")).json() == {"idle_after_hours": 24, "archive_after_days": 7}
    for someone in (member, agent):
        assert (await someone.api.put("/idle-policy", json=settled)).status_code == 403
    for wrong in ({"idle_after_hours": 0}, {"archive_after_days": 0}, {"archive_after_days": 4000}, {"x": 1}):
        assert (await org.owner.api.put("/idle-policy", json=wrong)).status_code in {400, 422}
    assert (await org.owner.api.put("/idle-policy", json=settled)).json() == settled
    assert (await agent.api.get("/idle-policy")).json() == settled
    assert await look_at(server, org, circle) == pytest.approx(49, abs=1)
    assert await look_at(server, other_org, other) == pytest.approx(8 * 24, abs=1)
    assert (await other_org.owner.api.get("/idle-policy")).json()["idle_after_hours"] == 24
    acts = (await org.owner.api.get("/audit", params={"action": "idle_policy.changed"})).json()["items"]
    assert "idle after 1 hour archive themselves 2 days later" in acts[0]["summary"]
    (await org.owner.api.put("/idle-policy", json={"archive_after_days": None})).raise_for_status()
    assert await look_at(server, org, circle) is None
    assert (await show(member, circle))["archives_at"] is None
    await let_pass(server, org, circle, days=30)
    assert (await show(member, circle))["status"] == "idle"


@pytest.mark.rule("X1")
async def test_a_message_is_either_seen_by_who_archives_or_refused(server, org):
    """Whoever comes first: no message is acknowledged in a group that was archived for its silence before."""
    system, log = system_actor(org.id), server.services.log
    for _ in range(5):
        circle = await group(org.owner)
        await fall_silent(server, org, circle, days=9)  # the server's own clock stays away: it would be a third one

        async def archive(circle=circle):
            async with server.db.transaction(system) as tx:
                return await archive_if_idle(tx, system, log, circle)

        said = org.owner.api.post(f"/conversations/{circle}/messages", json={"content": "just in time"})
        answer, is_archived = await asyncio.gather(said, archive())
        assert (answer.status_code, is_archived) in {(201, False), (409, True)}
