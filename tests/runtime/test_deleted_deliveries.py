"""What an agent's inbox says of a message that was deleted or edited after it was delivered."""

import asyncio
import contextlib
from uuid import UUID

import pytest

from crewhall.conversations import append_all
from crewhall.runtime import deliveries
from crewhall.sdk import Agent
from tests.conversations.ways import as_member, caught_up, group, post, turns_settled
from tests.identity.hall import Org
from tests.live.test_socket import say
from tests.support.server import AgentClient, Server, frames_until
from tests.support.waiting import bounded


async def replayed(server: Server, agent: AgentClient) -> list[dict[str, object]]:
    """The messages that a new subscriber of the inbox is given, as they are shown to it."""
    async with server.live(agent.key) as socket:
        await socket.send(say("subscribe", conversation=agent.inbox_id, after=0))
        frames = await frames_until(socket, "resumed")
    return [frame["record"]["metadata"]["message"] for frame in frames[:-1]]


async def streamed(agent: AgentClient) -> str:
    """The event stream of the inbox from its beginning up to where it is live."""
    text = ""
    async with agent.api.stream("GET", f"/conversations/{agent.inbox_id}/stream", params={"after": 0}) as response:
        async for line in response.aiter_lines():
            text += line
            if '"resumed"' in line:
                return text
    raise AssertionError("the stream ended early")


@pytest.mark.rule("X2")
async def test_no_face_gives_the_text_of_a_deleted_message_from_an_inbox(server: Server, org: Org) -> None:
    agent, channel = await server.hire(org), await server.general(org)
    async with server.live(agent.key) as present:
        await present.send(say("subscribe", conversation=agent.inbox_id))
        await frames_until(present, "resumed")
        message = await post(org.owner, channel, f"@{agent.code} secret", title="secret", metadata={"secret": 1})
        (frame,) = await frames_until(present, "record")
        assert "secret" in frame["record"]["metadata"]["message"]["content"]
        path = f"/conversations/{channel}/messages/{message['id']}"
        await org.owner.api.patch(path, json={"content": f"@{agent.code} secret, edited"})
        (await org.owner.api.delete(path)).raise_for_status()
        (shown,) = await replayed(server, agent)
        assert (shown["id"], shown["content"], shown["html"], shown["title"]) == (message["id"], "", "", None)
        assert shown["deleted_at"] is not None
        records = await server.services.log.read(org.id, UUID(agent.inbox_id), after=0, limit=10)
        inbox = (await agent.api.get(f"/conversations/{agent.inbox_id}/messages")).raise_for_status().text
        await caught_up(server.db, "search")
        found = (await agent.api.get("/search", params={"q": "secret"})).raise_for_status().json()["items"]
        assert found == []
        assert "secret" not in f"{shown}{records}{inbox}{await streamed(agent)}"


async def test_the_delivery_of_an_edited_message_shows_the_current_text(server: Server, org: Org) -> None:
    agent, channel = await server.hire(org), await server.general(org)
    message = await post(org.owner, channel, f"@{agent.code} first")
    await turns_settled(server.db, org.id)
    edited = await org.owner.api.patch(
        f"/conversations/{channel}/messages/{message['id']}", json={"content": f"@{agent.code} second"}
    )
    (shown,) = await replayed(server, agent)
    assert shown == edited.raise_for_status().json()


@pytest.mark.rule("C3")
async def test_who_may_read_a_conversation_no_longer_sees_no_edits_of_what_it_was_delivered(
    server: Server, org: Org
) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent)
    message = await post(org.owner, circle, f"@{agent.code} known")
    later = await post(org.owner, circle, f"@{agent.code} wrong")
    await turns_settled(server.db, org.id)
    member = as_member(agent)
    (await org.owner.api.delete(f"/conversations/{circle}/members/agent/{member['member_id']}")).raise_for_status()
    path = f"/conversations/{circle}/messages"
    (await org.owner.api.patch(f"{path}/{message['id']}", json={"content": "unknown"})).raise_for_status()
    (await org.owner.api.delete(f"{path}/{later['id']}")).raise_for_status()
    known, gone = await replayed(server, agent)
    assert (known["content"], gone["content"]) == (f"@{agent.code} known", "")


@pytest.mark.rule("X2")
async def test_a_conversation_that_is_deleted_takes_what_was_delivered_with_it(server: Server, org: Org) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent, title="Circle")
    await post(org.owner, circle, f"@{agent.code} secret", title="secret", metadata={"secret": 1})
    await turns_settled(server.db, org.id)
    gone = await org.owner.api.request("DELETE", f"/conversations/{circle}", json={"confirm": "Circle"})
    gone.raise_for_status()
    (shown,) = await replayed(server, agent)
    assert shown["deleted_at"] is not None
    assert (shown["conversation_id"], "secret" in str(shown)) == (circle, False)


@pytest.mark.rule("X2")
async def test_a_message_that_is_deleted_while_its_delivery_is_under_way_is_sent_to_nobody(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, channel = await server.hire(org), await server.general(org)

    async def delete_first(log, records):
        for record in records:
            message = record.metadata["message"]
            path = f"/conversations/{message['conversation_id']}/messages/{message['id']}"
            (await org.owner.api.delete(path)).raise_for_status()
        await append_all(log, records)

    async with server.live(agent.key) as present:
        await present.send(say("subscribe", conversation=agent.inbox_id))
        await frames_until(present, "resumed")
        monkeypatch.setattr(deliveries, "append_all", delete_first)
        await post(org.owner, channel, f"@{agent.code} secret")
        (frame,) = await frames_until(present, "record")
    assert frame["record"]["metadata"]["message"]["deleted_at"] is not None
    assert "secret" not in str(frame)


async def test_an_agent_of_the_client_library_is_not_handed_what_was_deleted_while_it_was_away(
    server: Server, org: Org
) -> None:
    hired, channel = await server.hire(org), await server.general(org)
    deleted = await post(org.owner, channel, f"@{hired.code} secret")
    await post(org.owner, channel, f"@{hired.code} still here")
    await turns_settled(server.db, org.id)
    (await org.owner.api.delete(f"/conversations/{channel}/messages/{deleted['id']}")).raise_for_status()
    agent, heard, done = Agent(server.address, hired.key), [], asyncio.Event()

    @agent.on_mention
    async def note(message):
        heard.append(message.text)
        done.set()

    serving = asyncio.create_task(agent.serve())
    async with bounded(10):
        await done.wait()
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    assert heard == ["still here"]
