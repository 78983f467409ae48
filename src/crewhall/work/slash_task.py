"""`/task Fix the mill`: writes a task where one talks, and says so there."""

import re
from uuid import UUID

from msgspec import ValidationError, convert

from crewhall.conversations import Access, Command, CommandDone, Posting, PostMessage, escape_markdown
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND, CrewhallError
from crewhall.ports.message_log import MessageKind
from crewhall.work.project_queries import find_project, list_projects
from crewhall.work.project_schemas import Project
from crewhall.work.task_schemas import NewTask, TaskDetail
from crewhall.work.tasks import create_task

TASK = Command(name="task", usage="/task TITLE", title="Write a task into the backlog", source="task")
ELSEWHERE = Command(name="task", usage="/task PROJECT: TITLE", title="Write a task into a backlog", source="task")
NAMED = 5
"""As many projects are named to who has to choose one."""
_NAMED = re.compile(r"([a-z0-9-]{1,100}):\s*(.*)", re.DOTALL | re.IGNORECASE)


class SlashTask:
    """Offers the command, and carries it out."""

    def __init__(self, db: Database, posting: Posting) -> None:
        self._db = db
        self._posting = posting

    async def offered(self, tx: Tx, actor: Actor, access: Access) -> list[Command]:
        """The command, where there is a project that takes tasks."""
        if not is_allowed(actor, Permission.TASKS_WRITE):
            return []
        if await _project_here(tx, access.conversation_id) is not None:
            return [TASK]
        known = (await list_projects(tx, actor, active=True, limit=2)).items
        return [TASK if len(known) == 1 else ELSEWHERE] if known else []

    async def carry_out(self, actor: Actor, access: Access, _command: Command, rest: str) -> CommandDone:
        """Write the task, then say so. Raises INVALID (no title, no project), and what writing a task raises."""
        async with self._db.transaction(actor) as tx:
            project, words = await _aimed(tx, actor, access.conversation_id, rest)
            task = await create_task(tx, actor, _read(project.id, words))
        said = f"{task.name} is in the backlog of {project.name}."
        try:
            posted = await self._posting.post(actor, access.conversation_id, _told(task))
        except CrewhallError:
            return CommandDone(said)  # it may be talked about in its thread all the same
        if project.conversation_id == access.conversation_id:
            async with self._db.transaction(actor) as tx:
                await tx.run(
                    """
                    update tasks set thread_id = %(thread)s
                    where org_id = %(org)s and id = %(id)s and thread_id is null
                    """,
                    {"org": actor.org, "id": task.id, "thread": posted.message.id},
                )
        return CommandDone(said, message_id=posted.message.id)


def _told(task: TaskDetail) -> PostMessage:
    return PostMessage(
        content=f"[{task.name}](/tasks/{task.id}) {escape_markdown(task.title)}", kind=MessageKind.MESSAGE,
        client_id=f"written:{task.id}", metadata={"task_id": str(task.id)},
    )  # fmt: skip


def _read(project_id: UUID, words: str) -> NewTask:
    title, _, description = words.partition("\n")
    if not title.strip():
        raise INVALID("Say what is to be done: /task Fix the mill.", field="line")
    given = {"project_id": str(project_id), "title": title.strip(), "description": description.strip() or None}
    try:
        return convert(given, NewTask)
    except ValidationError:
        raise INVALID(
            "A title takes 500 characters at most; what more there is to say stands below it.", field="line"
        ) from None


async def _aimed(tx: Tx, actor: Actor, conversation_id: UUID, rest: str) -> tuple[Project, str]:
    """The project that a line means, and what follows: the one that is named, that of the channel, or the only one."""
    if named := _NAMED.fullmatch(rest):
        try:
            return await find_project(tx, actor, named[1]), named[2]
        except CrewhallError as error:
            if error.kind is not NOT_FOUND:
                raise
    here = await _project_here(tx, conversation_id)
    if here is not None:
        return await find_project(tx, actor, str(here)), rest
    known = (await list_projects(tx, actor, active=True, limit=NAMED + 1)).items
    if len(known) == 1:
        return known[0], rest
    slugs = ", ".join(one.slug for one in known[:NAMED]) + ("…" if len(known) > NAMED else "")
    raise INVALID(
        f"Say for which project: /task {known[0].slug}: Fix the mill. There are {slugs}."
        if known
        else "There is no project to write tasks in. Begin one first.",
        field="line",
    )


async def _project_here(tx: Tx, conversation_id: UUID) -> UUID | None:
    """The project that a conversation belongs to, while it takes tasks and the caller may see it."""
    found: UUID | None = await tx.value(
        """
        select p.id from conversations c join projects p on p.org_id = c.org_id and p.id = c.project_id
        where c.org_id = any (current_orgs()) and c.id = %(id)s and p.is_active and p.id in (select readable_projects())
        """,
        {"id": conversation_id},
    )
    return found
