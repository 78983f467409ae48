"""Commands: lines that begin with `/`, and do something here instead of saying it.

Few are built in; other domains add what they know (`Commands.add`): the quick tasks of the agents that are here,
writing a task. What is no command is an ordinary message: only the composer and the CLI look for them, never the
posting of messages.
"""

import re
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from crewhall.conversations.access import Access, Verb, access_conversation, refusal
from crewhall.conversations.changes import change_conversation
from crewhall.conversations.later import make_later
from crewhall.conversations.members import add_member
from crewhall.conversations.mentions import resolve_mentions
from crewhall.conversations.moments import read_moment
from crewhall.conversations.parents import check_parent
from crewhall.conversations.schemas import ConversationChange, NewMember
from crewhall.conversations.schemas_commands import Command, CommandDone, CommandLine
from crewhall.conversations.schemas_words import LaterInput
from crewhall.conversations.vocabulary import ConversationKind, ConversationType, MemberType
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.wallclock import check_timezone

_LINE = re.compile(r"/([a-z0-9][a-z0-9-]{0,80})(?:\s+|$)", re.IGNORECASE)
MOST_NAMES = 20

TOPIC = Command(name="topic", usage="/topic TEXT", title="Say what this conversation is about", source="built_in")
INVITE = Command(name="invite", usage="/invite @NAME …", title="Make people or agents members", source="built_in")
LATER = Command(
    name="later", usage="/later WHEN TEXT", title="Post it later: 20m, 14:30, tomorrow 9:00", source="built_in"
)
_FIXED = {ConversationKind.DIRECT, ConversationKind.AGENT}


class Source(Protocol):
    """Commands that another domain adds."""

    async def offered(self, tx: Tx, actor: Actor, access: Access) -> list[Command]:
        """What the actor can do in a conversation that it may write in."""
        ...

    async def carry_out(self, actor: Actor, access: Access, command: Command, rest: str) -> CommandDone:
        """Do one of them; `rest` is what follows its name."""
        ...


def split_line(line: str) -> tuple[str, str] | None:
    """The name of a command and what follows it; None when the line can be none: it does not begin with `/name`."""
    found = _LINE.match(line)
    return (found[1].lower(), line[found.end() :].strip()) if found else None


class Commands:
    """The commands of one process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._sources: dict[str, Source] = {}

    def add(self, kind: Literal["quick_task", "task"], source: Source) -> None:
        """Offer another domain's commands."""
        self._sources[kind] = source

    async def offered(self, actor: Actor, conversation_id: UUID, parent_id: UUID | None = None) -> list[Command]:
        """What the actor can do in a conversation, or a thread, by a line; empty where it may not write.

        Raises NOT_FOUND, INVALID (no such thread).
        """
        async with self._db.transaction(actor) as tx:
            access = await access_conversation(tx, actor, conversation_id, Verb.READ)
            if parent_id is not None:
                await check_parent(tx, conversation_id, parent_id)
            if refusal(actor, access, Verb.POST):
                return []
            found = _built_in(actor, access, in_thread=parent_id is not None)
            for source in () if parent_id else self._sources.values():
                found += await source.offered(tx, actor, access)
        return found

    async def find(
        self, actor: Actor, conversation_id: UUID, line: str, parent_id: UUID | None = None
    ) -> Command | None:
        """The command that a line names there; None when it is an ordinary message."""
        split = split_line(line)
        if split is None:
            return None
        offered = await self.offered(actor, conversation_id, parent_id)
        return next((command for command in offered if command.name == split[0]), None)

    async def carry_out(self, actor: Actor, conversation_id: UUID, data: CommandLine) -> CommandDone:
        """Do what a line says.

        Raises NOT_FOUND (no such command here), INVALID (what follows it), and what the command's own action raises.
        """
        command = await self.find(actor, conversation_id, data.line, data.parent_id)
        if command is None:
            raise NOT_FOUND("There is no such command here. Put a space before the / to say it as it stands.")
        _name, rest = split_line(data.line) or ("", "")
        if command.source != "built_in":
            async with self._db.transaction(actor) as tx:
                access = await access_conversation(tx, actor, conversation_id, Verb.POST)
            return await self._sources[command.source].carry_out(actor, access, command, rest)
        async with self._db.transaction(actor) as tx:
            if command is TOPIC:
                return await _set_topic(tx, actor, conversation_id, rest)
            if command is INVITE:
                return await _invite(tx, actor, conversation_id, rest)
            return await _say_later(tx, actor, conversation_id, rest, data)


def _built_in(actor: Actor, access: Access, *, in_thread: bool) -> list[Command]:
    found = [LATER] if actor.type is ActorType.USER else []
    if in_thread or access.kind in _FIXED:
        return found
    if refusal(actor, access, Verb.MANAGE) is None:
        found.append(TOPIC)
    if access.type != ConversationType.SYSTEM and (access.is_member or refusal(actor, access, Verb.MANAGE) is None):
        found.append(INVITE)
    return found


async def _set_topic(tx: Tx, actor: Actor, conversation_id: UUID, rest: str) -> CommandDone:
    try:
        change = msgspec.convert({"description": " ".join(rest.split())}, ConversationChange)
    except msgspec.ValidationError:
        raise INVALID("A topic takes 1,024 characters at most.", field="line") from None
    await change_conversation(tx, actor, conversation_id, change)
    return CommandDone("The topic is set." if rest else "The topic is taken away.")


async def _invite(tx: Tx, actor: Actor, conversation_id: UUID, rest: str) -> CommandDone:
    names = [name.removeprefix("@").rstrip(",").lower() for name in rest.split()][:MOST_NAMES]
    if not names:
        raise INVALID("Say whom: /invite @ada @scout.", field="line")
    found = await resolve_mentions(tx, actor, names, conversation_id)
    if strangers := [name for name in names if name not in found]:
        raise INVALID(f"There is nobody called @{strangers[0][:100]} here.", field="line")
    joined = [
        name
        for name in dict.fromkeys(names)
        if await add_member(tx, actor, conversation_id, NewMember(MemberType(str(found[name].type)), found[name].id))
    ]
    if not joined:
        return CommandDone("They are members already.")
    return CommandDone(f"{', '.join('@' + name for name in joined)} joined.")


async def _say_later(tx: Tx, actor: Actor, conversation_id: UUID, rest: str, data: CommandLine) -> CommandDone:
    check_timezone(data.timezone)
    zone = data.zone()
    read = read_moment(rest, utc_now(), zone)
    if read is None or not read[1]:
        raise INVALID("Say when and what: /later tomorrow 9:00 Good morning.", field="line")
    moment, content = read
    asked = LaterInput(
        conversation_id=conversation_id,
        content=content,
        due_at=moment,
        timezone=data.timezone,
        parent_id=data.parent_id,
    )
    made = await make_later(tx, actor, asked)
    return CommandDone(f"It will be posted on {moment.astimezone(zone):%Y-%m-%d at %H:%M}.", later_id=made.id)
