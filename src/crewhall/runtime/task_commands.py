"""Quick tasks as commands: `/open-questions` gives an agent that is here its task of that title."""

import re
import unicodedata
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.conversations import Access, Command, CommandDone, Posting
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.ports.message_log import MessageLog
from crewhall.runtime.quick_tasks import QuickTaskRequest, give_quick_task

MOST = 100
RESERVED = frozenset({"topic", "invite", "later", "task"})
_HERE: LiteralString = """
select t.id, t.title, t.icon, a.id as agent_id, a.code, a.name
from conversation_members m
join agents a on m.member_type = 'agent' and a.id = m.member_id and a.org_id = m.org_id and a.deleted_at is null
    and a.status <> 'terminated'
join agent_quick_tasks t on t.org_id = a.org_id and t.agent_id = a.id and t.enabled
where m.conversation_id = %(conversation)s order by a.name, a.id, t.order_index, t.id limit %(most)s
"""


class _Task(msgspec.Struct):
    id: UUID
    title: str
    icon: str | None
    agent_id: UUID
    code: str
    name: str


class TaskCommands:
    """Offers the quick tasks of a conversation's agents, and gives them."""

    def __init__(self, db: Database, log: MessageLog, posting: Posting) -> None:
        self._db = db
        self._log = log
        self._posting = posting

    async def offered(self, tx: Tx, _actor: Actor, access: Access) -> list[Command]:
        """The quick tasks of the agents that are members, each under a name of its own."""
        found = await tx.all(_Task, _HERE, {"conversation": access.conversation_id, "most": MOST})
        taken = set(RESERVED)
        return [_command(task, taken) for task in found]

    async def carry_out(self, actor: Actor, access: Access, command: Command, _rest: str) -> CommandDone:
        """Post the task to its agent."""
        assert command.agent_id is not None
        assert command.task_id is not None
        request = QuickTaskRequest(conversation_id=access.conversation_id)
        task = await give_quick_task(
            self._db, self._log, self._posting, actor, command.agent_id, command.task_id, request
        )
        return CommandDone(f"{command.agent_name} was asked.", message_id=task.message_id)


def _command(task: _Task, taken: set[str]) -> Command:
    name = slug_of(task.title) or "task"
    if name in taken:
        name = f"{name[:40]}-{task.code[:30]}"
    if name in taken:
        name = f"{name}-{str(task.id)[-4:]}"
    taken.add(name)
    return Command(
        name=name, usage=f"/{name}", title=task.title, source="quick_task", icon=task.icon, agent_id=task.agent_id,
        agent_name=task.name, task_id=task.id,
    )  # fmt: skip


def slug_of(title: str) -> str:
    """A title as one types it: lower case, without accents, words joined by hyphens; empty when nothing is left."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
