"""Tasks made of messages: what they begin with, and the way back to the message."""

from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import Verb, access_conversation, escape_markdown, has_access, readable
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.work.task_schemas import MAX_DESCRIPTION, MessageRef, TaskDetail

MAX_LINE = 120
"""A title that is made of words of a message is cut there."""
_MESSAGE: LiteralString = """
select m.seq, m.parent_id, m.author_name, coalesce(m.title, '') as title, m.content, c.name, c.title as place, c.type,
       c.project_id
from messages m join conversations c on c.org_id = m.org_id and c.id = m.conversation_id
where m.org_id = %(org)s and m.conversation_id = %(conversation)s and m.id = %(message)s and m.deleted_at is null
"""


class Origin(Struct, frozen=True):
    """The message that a task was made of: where it opens, and where it stands, in words."""

    url: str
    where: str


class Beginning(Struct, frozen=True):
    """What a task begins with that is made of a message. `is_open`: everybody of the organization may read that."""

    title: str
    description: str
    project_id: UUID | None
    is_open: bool
    origin: Origin


class _Message(Struct):
    seq: int
    parent_id: UUID | None
    author_name: str
    title: str
    content: str
    name: str | None
    place: str | None
    type: str
    project_id: UUID | None


async def origin_metadata(tx: Tx, actor: Actor, made_of: MessageRef | None) -> dict[str, Any]:
    """What a task keeps of the message that it is made of. Raises NOT_FOUND where the actor may not read it."""
    if made_of is None:
        return {}
    message = await _access_message(tx, actor, made_of)
    ids = {"conversation_id": str(made_of.conversation_id), "message_id": str(made_of.message_id)}
    return {"message": {**ids, "seq": message.seq}}


async def begin_with(tx: Tx, actor: Actor, made_of: MessageRef) -> Beginning:
    """What to write first into a task that is made of a message: its first line, its words. Raises NOT_FOUND."""
    found = await _access_message(tx, actor, made_of)
    origin = _origin(made_of.conversation_id, found)
    lines = [line.strip() for line in (found.title, *readable(found.content).splitlines()) if line.strip()]
    quoted = "\n".join(f"> {line}".rstrip() for line in found.content.splitlines())
    said = f"— {escape_markdown(found.author_name)}, in {origin.where}"
    return Beginning(
        title=_cut(lines[0] if lines else ""),
        description=f"{quoted[: MAX_DESCRIPTION - len(said) - 2]}\n\n{said}".lstrip(),
        project_id=found.project_id,
        is_open=found.type == "public",
        origin=origin,
    )


async def find_origin(tx: Tx, actor: Actor, task: TaskDetail) -> Origin | None:
    """The message that a task was made of, for who may read it; None where there is none any more."""
    kept = task.metadata.get("message")
    if not isinstance(kept, dict):
        return None
    made_of = MessageRef(UUID(kept["conversation_id"]), UUID(kept["message_id"]))
    if not await has_access(tx, actor, made_of.conversation_id, Verb.READ):
        return None
    found = await _find(tx, actor, made_of)
    return _origin(made_of.conversation_id, found) if found else None


async def _access_message(tx: Tx, actor: Actor, made_of: MessageRef) -> _Message:
    await access_conversation(tx, actor, made_of.conversation_id, Verb.READ)
    found = await _find(tx, actor, made_of)
    if found is None:
        raise NOT_FOUND("There is no such message.")
    return found


async def _find(tx: Tx, actor: Actor, made_of: MessageRef) -> _Message | None:
    values = {"org": actor.org, "conversation": made_of.conversation_id, "message": made_of.message_id}
    return await tx.find(_Message, _MESSAGE, values)


def _origin(conversation_id: UUID, found: _Message) -> Origin:
    thread = f"thread={found.parent_id}&" if found.parent_id else ""
    where = f"#{found.name}" if found.name else found.place or "a direct conversation"
    return Origin(f"/c/{conversation_id}?{thread}at={found.seq}", where)


def _cut(line: str) -> str:
    if len(line) <= MAX_LINE:
        return line
    return f"{line[: MAX_LINE - 1].rsplit(' ', 1)[0].rstrip()}…"
