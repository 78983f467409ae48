"""The client against the real server: signing in, posting once, lists, errors."""

import asyncio
import time

import msgspec
import pytest

from crewhall.sdk import Agent, Client, CrewhallApiError, Live, NotReachable, OwnershipOffer, SignedOut
from tests.identity.hall import PASSWORD, Org
from tests.sdk.relay import Relay, problem
from tests.support.server import Server, token_of
from tests.support.waiting import bounded


async def test_a_person_signs_in_with_email_and_password(server: Server, org: Org) -> None:
    async with Client(server.address) as client:
        with pytest.raises(SignedOut) as refused:
            await client.me()
        assert refused.value.code == "unauthenticated"
        me = await client.login(org.owner.email, PASSWORD)
        assert (me.actor.id, me.role) == (str(org.owner.id), "owner")
        await client.logout()
        with pytest.raises(SignedOut):
            await client.me()


async def test_a_wrong_password_is_refused_with_the_servers_words(server: Server, org: Org) -> None:
    async with Client(server.address, email=org.owner.email, password="wrong horse battery") as client:
        with pytest.raises(SignedOut) as refused:
            await client.me()
        assert refused.value.status == 401
        assert refused.value.detail
        assert refused.value.request_id


@pytest.mark.parametrize("key", ["cwk_abcdefgh\ncwk_whole", "cwk_abcdefgh secret", "cwk_übel", "cwk_abc\n"])
async def test_a_key_that_no_request_can_carry_is_refused_at_once_and_not_shown(key: str) -> None:
    nowhere = "http://127.0.0.1:1"
    async with Client(nowhere, token=key) as client, Live(client.transport) as live:
        for trying in (client.me(), anext(live), Agent(nowhere, key).serve()):
            with pytest.raises(SignedOut, match="copy it alone") as refused:
                async with bounded(5):
                    await trying
            assert key.strip() not in str(refused.value)
            assert refused.value.__cause__ is None


async def test_an_address_that_is_none_is_not_tried_for_long() -> None:
    async with Client("127.0.0.1:8787") as client:
        with pytest.raises(CrewhallApiError, match="begins with http"):
            await client.login("ada@example.org", PASSWORD)


async def test_an_access_token_renews_itself_once_for_all_who_wait(server: Server, org: Org) -> None:
    async with Client(server.address) as first:
        await first.login(org.owner.email, PASSWORD)
        refresh_token = first.transport.refresh_token()
        async with Client(server.address, token="cwt_" + "x" * 40, refresh_token=refresh_token) as client:
            shown = await asyncio.gather(*(client.me() for _ in range(5)))
            assert {me.actor.id for me in shown} == {str(org.owner.id)}
            await client.refresh()
            assert (await client.me()).actor.id == str(org.owner.id)


@pytest.mark.rule("X1")
async def test_a_post_whose_answer_is_lost_is_posted_once(server: Server, org: Org, relay: Relay) -> None:
    channel = await server.channel(org.owner)
    async with Client(relay.address, token=token_of(org.owner.api)) as client:
        relay.swallow = b"POST "
        posted = await client.messages.post(channel, "only once")
        assert relay.swallowed.is_set()
        shown = [message async for message in client.messages.history(channel)]
        assert [(message.id, message.content) for message in shown] == [(posted.id, "only once")]


@pytest.mark.rule("X1")
async def test_another_body_under_the_same_client_id_is_refused(ada: Client, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    first = await ada.messages.post(channel, "one", client_id="same")
    assert (await ada.messages.post(channel, "one", client_id="same")).id == first.id
    with pytest.raises(CrewhallApiError) as refused:
        await ada.messages.post(channel, "two", client_id="same")
    assert (refused.value.status, refused.value.code) == (409, "client_id_reused")


async def test_a_busy_server_is_asked_again_after_the_time_it_names(org: Org, relay: Relay) -> None:
    async with Client(relay.address, token=token_of(org.owner.api)) as client:
        relay.answers = [problem("503 Service Unavailable"), problem("429 Too Many Requests", retry_after=1)]
        started = time.monotonic()
        assert (await client.me()).actor.id == str(org.owner.id)
        assert time.monotonic() - started >= 1.0
        assert relay.connections == 3


async def test_what_cannot_be_repeated_is_not_repeated(org: Org, relay: Relay) -> None:
    async with Client(relay.address, token=token_of(org.owner.api), retry_for=5) as client:
        relay.answers = [problem("503 Service Unavailable")]
        with pytest.raises(CrewhallApiError) as refused:
            await client.agents.create("Scout")
        assert (refused.value.status, refused.value.code) == (503, "unavailable")
        relay.swallow = b"POST "
        with pytest.raises(NotReachable):
            await client.agents.create("Scout")
        assert [agent.name async for agent in client.agents.list()] == ["Scout"]


async def test_a_server_that_is_away_is_not_reachable(org: Org, relay: Relay) -> None:
    relay.is_down = True
    async with Client(relay.address, token=token_of(org.owner.api), retry_for=0.3) as client:
        with pytest.raises(NotReachable):
            await client.me()
    assert relay.connections > 1


async def test_history_is_walked_both_ways_over_pages(ada: Client, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    await asyncio.gather(*(ada.messages.post(channel, f"m{n}") for n in range(205)))
    forward = [message.seq async for message in ada.messages.history(channel)]
    assert forward == list(range(1, 206))
    assert [message.seq async for message in ada.messages.history(channel, after=200)] == [201, 202, 203, 204, 205]
    assert [message.seq async for message in ada.messages.backwards(channel)] == forward[::-1]
    assert [message.seq async for message in ada.messages.backwards(channel, before=3)] == [2, 1]


async def test_a_message_is_edited_reacted_to_pinned_found_and_deleted(ada: Client, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    posted = await ada.messages.post(channel, "the quick zebrafish", kind="insight", title="Seen", metadata={"n": 1})
    reply = await ada.messages.post(channel, "really?", parent_id=posted.id)
    assert [message.id async for message in ada.messages.history(channel, parent_id=posted.id)] == [reply.id]
    await ada.messages.edit(channel, posted.id, "the slow zebrafish")
    assert [version.content for version in await ada.messages.versions(channel, posted.id)] == [
        "the quick zebrafish",
        "the slow zebrafish",
    ]
    await ada.messages.react(channel, posted.id, "👍")
    await ada.messages.pin(channel, posted.id)
    shown = await ada.messages.get(channel, posted.id)
    assert (shown.kind, shown.title, shown.metadata, shown.reply_count) == ("insight", "Seen", {"n": 1}, 1)
    assert [reactor.id for reactor in shown.reactions["👍"]] == [str(org.owner.id)]
    assert shown.pinned_at is not None
    assert shown.edited_at is not None
    assert [pinned.id for pinned in (await ada.messages.pins(channel)).items] == [posted.id]
    await ada.messages.unreact(channel, posted.id, "👍")
    await ada.messages.unpin(channel, posted.id)
    await ada.messages.delete(channel, posted.id)
    shown = await ada.messages.get(channel, posted.id)
    assert (shown.content, shown.reactions, shown.pinned_at) == ("", {}, None)
    assert shown.deleted_at is not None


async def test_conversations_and_members(ada: Client, server: Server, org: Org) -> None:
    grace = await org.add()
    made = await ada.conversations.create_channel("launch", description="All about it", private=True)
    assert (await ada.conversations.find("#launch")).id == made.id
    await ada.conversations.add_member(made.id, "user", str(grace.id))
    async with Client(server.address, token=token_of(grace.api)) as client:
        assert made.id in {found.id async for found in client.conversations.list(member="me")}
        await client.conversations.leave(made.id)
        with pytest.raises(CrewhallApiError) as refused:
            await client.conversations.get(made.id)
        assert refused.value.status == 404
    assert [member.member_id async for member in ada.conversations.members(made.id)] == [str(org.owner.id)]
    assert (await ada.conversations.archive(made.id)).status == "archived"
    with pytest.raises(CrewhallApiError) as closed:
        await ada.messages.post(made.id, "too late")
    assert closed.value.code == "conversation_closed"
    assert (await ada.conversations.restore(made.id)).status == "active"
    direct = await ada.conversations.direct("user", str(grace.id))
    assert (await ada.conversations.direct("user", str(grace.id))).id == direct.id
    await ada.conversations.delete(made.id, "launch")


async def test_read_marks_count_what_is_new(ada: Client, server: Server, org: Org) -> None:
    grace = await org.add()
    general = await server.general(org)
    async with Client(server.address, token=token_of(grace.api)) as client:
        posted = await client.messages.post(general, "news")
        assert (await ada.conversations.get(general)).unread == 1
        await ada.conversations.mark_read(general, posted.seq)
        assert (await ada.conversations.get(general)).unread == 0


async def test_agents_and_their_keys(ada: Client, server: Server) -> None:
    made = await ada.agents.create("Scout", code="scout", capabilities=["search"])
    assert (await ada.agents.find("@scout")).id == made.id
    assert [agent.id async for agent in ada.agents.list(capability="search")] == [made.id]
    assert (await ada.agents.update(made.id, role_title="Finder")).role_title == "Finder"
    key = await ada.agents.create_key(made.id, label="laptop")
    assert key.key is not None
    async with Client(server.address, token=key.key) as scout:
        me = await scout.me()
        assert me.agent is not None
        assert (me.agent.code, me.inbox_id) == ("scout", (await ada.agents.get(made.id)).inbox_id)
        turned = await ada.agents.rotate_key(made.id, key.id)
        with pytest.raises(SignedOut):
            await scout.me()
    assert turned.key not in {None, key.key}
    await ada.agents.revoke_key(made.id, turned.id)
    assert [kept.is_active async for kept in ada.agents.keys(made.id)] == [False, False]
    await ada.agents.delete(made.id)
    with pytest.raises(CrewhallApiError) as gone:
        await ada.agents.find("scout")
    assert gone.value.code == "not_found"


async def test_people_invitations_and_organizations(ada: Client, org: Org) -> None:
    grace = await org.add()
    found = await ada.people.find(grace.email)
    assert (await ada.people.change_role(found.id, "admin")).role == "admin"
    sent = await ada.people.invite("new@example.org")
    assert sent.token in sent.link
    assert [invitation.id async for invitation in ada.people.invitations()] == [sent.invitation.id]
    await ada.people.withdraw(sent.invitation.id)
    assert [invitation.id async for invitation in ada.people.invitations()] == []
    await ada.people.remove(found.id)
    with pytest.raises(CrewhallApiError):
        await ada.people.find(grace.email)
    second = await ada.organizations.create("Second hall")
    assert {organization.id async for organization in ada.organizations.list()} == {str(org.id), second.id}
    await ada.organizations.switch(second.id)
    assert (await ada.organizations.find(second.slug)).role == "owner"


def test_an_offer_of_an_older_server_is_read() -> None:
    offer = {"person_id": "1", "person_name": "Ada", "offered_by": "2", "expires_at": "2026-01-01T00:00:00Z"}
    assert msgspec.convert(offer, OwnershipOffer).offered_by_name == ""
