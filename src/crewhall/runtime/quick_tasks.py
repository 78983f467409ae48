"""Giving an agent one of its quick tasks: whoever gives it posts it, and the agent answers that message.

The message's client id says what it is (`task:<agent>:…`), so that its trigger is a quick task's: whatever the hour.
Nothing is written beside the message: it alone sets the turn off, or nothing does.
"""

from uuid import UUID

from msgspec import Struct

from crewhall.agents import QuickTask, access_agent, get_quick_task
from crewhall.conversations import Posting, PostMessage, open_direct
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CONFLICT
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import MessageLog
from crewhall.runtime.started import Task
from crewhall.runtime.vocabulary import Cause


class QuickTaskRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where the task is given; without a conversation in the caller's direct one with the agent."""

    conversation_id: UUID | None = None


async def give_quick_task(
    db: Database,
    log: MessageLog,
    posting: Posting,
    actor: Actor,
    agent_id: UUID,
    task_id: UUID,
    request: QuickTaskRequest,
) -> Task:
    """Post a quick task to its agent; it has been asked when this returns.

    Raises NOT_FOUND, FORBIDDEN, INVALID, CONVERSATION_CLOSED, CONFLICT (it is switched off).
    """
    async with db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        task = await get_quick_task(tx, actor, agent_id, task_id)
        if not task.enabled:
            raise CONFLICT("This quick task is switched off.")
        direct = await open_direct(tx, actor, log, agent_id) if request.conversation_id is None else None
    conversation_id = request.conversation_id or direct
    assert conversation_id is not None
    data = PostMessage(
        content=_words(task, None if direct else agent.code),
        client_id=f"task:{agent_id}:{new_id()}",
        metadata={"quick_task": task.title},
    )
    posted = await posting.post(actor, conversation_id, data)
    return Task(
        conversation_id=conversation_id,
        agent_id=agent_id,
        trigger_id=posted.message.id,
        message_id=posted.message.id,
        cause=Cause.QUICK_TASK,
    )


def _words(task: QuickTask, code: str | None) -> str:
    """The message; beside others it says whom it asks."""
    return task.prompt if code is None else f"@{code} {task.prompt}"
