"""Comments on tasks: a thread in the project's channel, begun by Crewhall with the first comment."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, json

from crewhall.conversations import (
    TASK_COMMENT,
    Posted,
    Posting,
    PostMessage,
    Verb,
    access_conversation,
    escape_markdown,
    has_access,
    join_conversation,
    messages_json,
)
from crewhall.identity import ActorShown, Permission, check_permission
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CONFLICT
from crewhall.ports.message_log import MessageKind
from crewhall.work.task_queries import access_task
from crewhall.work.task_schemas import TaskDetail
from crewhall.work.task_telling import show

MOST_SHOWN = 100


async def comment_task(
    db: Database, posting: Posting, actor: Actor, task_id: UUID, content: str, *, only_here: bool = False
) -> Posted:
    """Say something about a task, as a message of the actor; returns when it is durable.

    Who sees the task may say something, and joins the channel by it. `only_here`: not at GitHub, too. The message bears
    a mark that says so, and what goes out follows from the log (`issues/sent.py`). Raises NOT_FOUND, FORBIDDEN,
    CONVERSATION_CLOSED, CONFLICT (the channel is gone), TOO_MANY_REQUESTS.
    """
    async with db.transaction(actor) as tx:
        check_permission(actor, Permission.MESSAGES_POST)
        task = await access_task(tx, actor, task_id)
        channel = _channel_of(task)
        access = await access_conversation(tx, actor, channel, Verb.POST)
        if not access.is_member and access.type == "public" and not actor.behalf:
            await join_conversation(tx, actor, channel)
    thread = task.thread_id or await begin_thread(db, posting, actor.org, task, channel)
    data = PostMessage(content=content, parent_id=thread, kind=MessageKind.MESSAGE)
    record = await posting.compose(actor, channel, data)
    record.metadata = {TASK_COMMENT: {"task": str(task.id), "only_here": only_here}}
    return await posting.append(actor, record, Verb.POST)


class Comment(Struct, frozen=True):
    """Something that was said about a task; `html` is sanitised."""

    author: ActorShown
    html: str
    created_at: datetime


class Comments(Struct, frozen=True):
    """The first of them, the oldest first; `next` where there are more."""

    items: list[Comment]
    next: int | None = None


_decoder = json.Decoder(Comments)


async def list_comments(db: Database, actor: Actor, task: TaskDetail) -> Comments:
    """What was said about a task that the actor sees; nothing where the channel is not theirs to read."""
    channel = task.project.conversation_id
    if task.thread_id is None or channel is None:
        return Comments([])
    async with db.transaction(actor) as tx:
        if not await has_access(tx, actor, channel, Verb.READ):
            return Comments([])
    page = await messages_json(db, actor.org, channel, limit=MOST_SHOWN, parent=task.thread_id)
    return _decoder.decode(page)


async def begin_thread(db: Database, posting: Posting, org_id: UUID, task: TaskDetail, channel: UUID) -> UUID:
    """The message that comments answer. Its client id is the task's: two that begin at once begin the same one."""
    system = system_actor(org_id)
    title = f"[{task.name}](/tasks/{task.id}) {escape_markdown(task.title)}"
    begun = PostMessage(
        content=title, kind=MessageKind.UPDATE, client_id=f"task:{task.id}", metadata={"task_id": str(task.id)}
    )
    posted = await posting.post(system, channel, begun)
    async with db.transaction(system) as tx:
        await tx.run(
            "update tasks set thread_id = %(thread)s where org_id = %(org)s and id = %(id)s and thread_id is null",
            {"org": org_id, "id": task.id, "thread": posted.message.id},
        )
        await show(tx, system, task)
    return posted.message.id


def _channel_of(task: TaskDetail) -> UUID:
    if task.project.conversation_id is None:
        raise CONFLICT("The project has no channel to talk in.")
    return task.project.conversation_id
