"""Drafts, later messages, commands and edits by the client library and the command line."""

from datetime import timedelta

import pytest

from crewhall.kernel.clock import utc_now
from crewhall.sdk import Client, CrewhallApiError
from tests.identity.hall import Org
from tests.support.server import Server


async def test_what_is_not_said_yet(ada: Client, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    first = await ada.drafts.save(channel, "begun", title="T")
    with pytest.raises(CrewhallApiError) as stale:
        await ada.drafts.save(channel, "elsewhere")
    assert stale.value.code == "stale_draft"
    assert (await ada.drafts.get(channel)).content == "begun"
    assert [one.content async for one in ada.drafts.list()] == ["begun"]
    await ada.drafts.drop(channel, version=first.version)
    made = await ada.later.make(channel, "later", utc_now() + timedelta(hours=1), timezone="Europe/Berlin")
    await ada.later.change(made.id, content="now", due_at=made.due_at + timedelta(hours=1))
    assert [(one.content, one.status) async for one in ada.later.list(conversation_id=channel)] == [("now", "waiting")]
    posted = await ada.later.send(made.id)
    assert (posted.content, posted.client_id) == ("now", f"later:{made.id}")
    done = await ada.commands.carry_out(channel, "/later 2h again")
    await ada.later.cancel(done.later_id or "")
    assert "topic" in [command.name for command in await ada.commands.list(channel)]
    edited = await ada.messages.edit(channel, posted.id, "one", based_on=posted)
    with pytest.raises(CrewhallApiError) as stale:
        await ada.messages.edit(channel, posted.id, "two", based_on=posted)
    assert stale.value.code == "stale_message"
    assert (await ada.messages.edit(channel, posted.id, "two", based_on=edited)).content == "two"
