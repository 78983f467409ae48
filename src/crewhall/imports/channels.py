"""What becomes of an export's channels: their names here, and the conversations that they are."""

import re
import unicodedata
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import (
    MemberType,
    NewMember,
    PastChannel,
    close_for_past,
    end_past,
    find_empty_channel,
    open_past_channel,
    taken_names,
)
from crewhall.imports.mrkdwn import to_markdown
from crewhall.imports.slack import SlackChannel, SlackExport, clean
from crewhall.imports.transcript import Somebody
from crewhall.imports.vocabulary import ChannelFate
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.ports.message_log import MessageLog

MAX_NAME, MAX_DESCRIPTION = 80, 1024


class Place(Struct):
    """Where a channel's messages go. `newest` is the moment of the newest record there, where there is one."""

    fate: ChannelFate
    target: str
    conversation_id: UUID | None = None
    newest: datetime | None = None
    is_gone: bool = False
    is_archived: bool = False


class _Known(Struct):
    conversation_id: UUID
    name: str | None
    is_gone: bool
    is_archived: bool
    newest: datetime | None


async def find_place(tx: Tx, actor: Actor, export: SlackExport, channel: SlackChannel, names: set[str]) -> Place:
    """Say where a channel would go. `names` are those of the channels here; the one that is chosen is added."""
    known = await _find_known(tx, export, channel)
    if known is not None:
        return Place(
            ChannelFate.CONTINUE,
            known.name or "",
            known.conversation_id,
            known.newest,
            known.is_gone,
            known.is_archived,
        )
    wanted = here_as(channel)
    if not channel.is_private and not channel.is_archived:
        empty = await find_empty_channel(tx, actor, wanted)
        if empty is not None:
            return Place(ChannelFate.FILL, wanted, empty)
    name = free_name(wanted, names)
    names.add(name)
    return Place(ChannelFate.OPEN, name)


async def names_here(tx: Tx, actor: Actor) -> set[str]:
    """The names that channels have here."""
    return await taken_names(tx, actor)


async def begin_channel(tx: Tx, actor: Actor, log: MessageLog, export: SlackExport, channel: SlackChannel) -> Place:
    """Open or close the conversation that the channel becomes, so that it takes nothing else meanwhile."""
    place = await find_place(tx, actor, export, channel, await names_here(tx, actor))
    if place.conversation_id is None:
        past = PastChannel(name=place.target, description=described(channel), is_private=channel.is_private)
        place.conversation_id = await open_past_channel(tx, actor, log, past)
    else:
        await close_for_past(tx, actor, log, place.conversation_id)
    if place.fate is not ChannelFate.CONTINUE:
        await tx.run(
            """
            insert into imported_conversations (org_id, source_key, external_id, conversation_id)
            values (%(org)s, %(key)s, %(external)s, %(conversation)s)
            """,
            {
                "org": actor.org,
                "key": export.key,
                "external": channel.id,
                "conversation": place.conversation_id,
            },
        )
    return place


async def end_channel(
    tx: Tx, actor: Actor, log: MessageLog, place: Place, channel: SlackChannel, people: dict[str, Somebody]
) -> None:
    """Let the channel be used: its members here, with everything read; archived where it was, or is."""
    assert place.conversation_id is not None
    members: list[NewMember] = []
    if place.fate is not ChannelFate.CONTINUE:
        found = [people[user] for user in channel.members if user in people]
        members = [NewMember(MemberType.USER, one.id) for one in dict.fromkeys(found) if one.handle]
    archived = place.is_archived if place.fate is ChannelFate.CONTINUE else channel.is_archived
    await end_past(tx, actor, log, place.conversation_id, members, is_archived=archived)


async def _find_known(tx: Tx, export: SlackExport, channel: SlackChannel) -> _Known | None:
    return await tx.find(
        _Known,
        """
        select c.id as conversation_id, c.name, c.deleted_at is not null as is_gone,
               c.status = 'archived' as is_archived,
               (select r.created_at from message_records r where r.conversation_id = c.id
                order by r.seq desc limit 1) as newest
        from imported_conversations i join conversations c on c.id = i.conversation_id
        where i.org_id = any (current_orgs()) and i.source_key = %(key)s and i.external_id = %(external)s
        """,
        {"key": export.key, "external": channel.id},
    )


def here_as(channel: SlackChannel) -> str:
    """The name of a channel in the letters that names have here."""
    plain = unicodedata.normalize("NFKD", channel.name.lower()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:MAX_NAME]
    return name or re.sub(r"[^a-z0-9]+", "-", f"channel-{channel.id}".lower())[:MAX_NAME]


def free_name(wanted: str, names: set[str]) -> str:
    """The name, or one like it that no channel has."""
    candidate, number = wanted, 1
    while candidate in names:
        end = "-slack" if number == 1 else f"-slack-{number}"
        candidate, number = wanted[: MAX_NAME - len(end)] + end, number + 1
    return candidate


def described(channel: SlackChannel) -> str:
    """What a channel is for."""
    said = channel.purpose.value or channel.topic.value
    return to_markdown(clean(said), lambda _: "somebody", lambda _: "channel")[:MAX_DESCRIPTION]
