"""Comments of tasks at GitHub: which go out follows from the log, so that none is lost, and none said twice.

Posting marks a comment (`comments.py`); the log's consumer `task_comments` takes those that are not to stay here, and
has them said, in the transaction that moves its checkpoint. What is said there names who said it, and calls nobody.
What was said before the task had an issue waits until somebody asks for it.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import escape_markdown
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT
from crewhall.work.issues.wording import quiet
from crewhall.work.task_queries import access_task, check_active_task

BATCH = 2000
"""Records of one step: reading past what is no comment is cheap, and cheaper in one go."""
MOST_AT_ONCE = 100
"""Earlier comments that are sent with one request."""


class _Seen(Struct):
    seen: int
    messages: list[UUID]


class _ToSend(Struct):
    message_id: UUID
    author_name: str
    content: str


class CommentSender:
    """Has comments said at GitHub: the log's consumer `task_comments`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> int:
        """Take the next batch, unless another process does; gives the number of records seen."""
        async with self._db.transaction(None, lazily=True) as tx:
            found = await tx.one(_Seen, "select seen, messages from follow_task_comments(%(size)s)", {"size": BATCH})
            await _send(tx, found.messages)
        return found.seen


async def send_since(tx: Tx, task_id: UUID, change_id: UUID) -> None:
    """Have said what was said of a task while its issue was being made, by this change."""
    sql = """
    select c.message_id from task_comments c join github_changes g on g.org_id = c.org_id and g.id = %(change)s
    where c.org_id = any (current_orgs()) and c.task_id = %(task)s and c.change_id is null
      and c.created_at >= g.created_at
    """
    await _send(tx, await tx.values(sql, {"task": task_id, "change": change_id}))


async def send_earlier(tx: Tx, actor: Actor, task_id: UUID) -> int:
    """Have said at GitHub, too, what was said of a task before it had an issue; gives how many comments.

    The oldest hundred; asked again, the next. Raises NOT_FOUND, FORBIDDEN, CONFLICT (there is nothing to send).
    """
    task = await access_task(tx, actor, task_id, change=True)
    check_active_task(task)
    sql = """
    select c.message_id from task_comments c
    where c.org_id = any (current_orgs()) and c.task_id = %(task)s and c.change_id is null
      and not exists (select from message_overlays o where o.message_id = c.message_id and o.deleted_at is not null)
    order by c.created_at, c.message_id limit %(most)s
    """
    sent = await _send(tx, await tx.values(sql, {"task": task.id, "most": MOST_AT_ONCE}))
    if sent == 0:
        raise CONFLICT("No comment of this task waits to be said at GitHub, or its repository takes none.")
    return sent


async def count_unsent(tx: Tx, task_id: UUID) -> int:
    """How many comments of a task stay here that could be said at GitHub, too."""
    sql = """
    select count(*) from comments_to_send(array(
        select c.message_id from task_comments c
        where c.org_id = any (current_orgs()) and c.task_id = %(task)s and c.change_id is null limit 1000))
    """
    found: int = await tx.value(sql, {"task": task_id})
    return found


async def _send(tx: Tx, messages: Sequence[UUID]) -> int:
    if not messages:
        return 0
    found = await tx.all(_ToSend, "select * from comments_to_send(%(ids)s::uuid[])", {"ids": list(messages)})
    if not found:
        return 0
    values = {
        "ids": [one.message_id for one in found],
        "bodies": [f"**{quiet(escape_markdown(one.author_name))}**: {quiet(one.content)}" for one in found],
    }
    made: int = await tx.value("select send_comments(%(ids)s::uuid[], %(bodies)s::text[])", values)
    return made
