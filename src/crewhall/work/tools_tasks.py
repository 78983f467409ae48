"""What agents, and whoever comes through MCP, can do with projects and tasks."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.conversations import Posting
from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.work import checkout, comments, project_queries, task_queries, tasks
from crewhall.work.task_schemas import (
    BlockedReason,
    Criterion,
    Deadline,
    Labels,
    NewTask,
    SuccessCriterion,
    Task,
    TaskChange,
    TaskDetail,
    TaskText,
    TaskTitle,
)
from crewhall.work.vocabulary import Priority, TaskStatus

MOST = 50
TaskName = Annotated[str, Meta(min_length=1, max_length=120, description="The task's id, or `project#12`.")]
ProjectName = Annotated[str, Meta(min_length=1, max_length=100, description="The project's slug or id.")]
After = Annotated[str, Meta(description="`next` of the page before.")]
Most = Annotated[int, Meta(ge=1, le=MOST)]


class ListProjects(Struct, forbid_unknown_fields=True):
    """List the projects that you may see: how many tasks each has, by status."""

    after: After | None = None
    limit: Most = 20


class ListTasks(Struct, forbid_unknown_fields=True, kw_only=True):
    """List tasks in the order in which they are to be done: priority (P0 first), deadline, age."""

    project: ProjectName | None = None
    status: list[TaskStatus] = []
    mine: Annotated[bool, Meta(description="Only your own.")] = False
    unassigned: Annotated[bool, Meta(description="Only those that are nobody's.")] = False
    text: Annotated[str, Meta(max_length=200, description="Words of title and description.")] | None = None
    after: After | None = None
    limit: Most = 20


class ReadTask(Struct, forbid_unknown_fields=True):
    """Read a task: its description, criteria, what it waits for. Its comments are the replies to `thread_id`."""

    task: TaskName


class NextTask(Struct, forbid_unknown_fields=True):
    """Take the next task: the most urgent one that is free or yours. It is yours then, and in progress.

    Nobody else gets the same one. `no_task` when there is none.
    """

    project: ProjectName | None = None


class CreateTask(Struct, forbid_unknown_fields=True, kw_only=True):
    """Write a task into a project's backlog, for whoever takes it."""

    project: ProjectName
    title: TaskTitle
    description: TaskText | None = None
    priority: Priority = Priority.MEDIUM
    deadline: Deadline | None = None
    success_criteria: Annotated[list[Criterion], Meta(max_length=50)] = []
    labels: Labels = []


class StartTask(Struct, forbid_unknown_fields=True):
    """Start a task; one that is nobody's becomes yours. A task that waits for others cannot be started."""

    task: TaskName


class CompleteTask(Struct, forbid_unknown_fields=True, kw_only=True):
    """Say that a task is done; `met` are the criteria that hold, by their place in the list, from 1."""

    task: TaskName
    met: Annotated[list[Annotated[int, Meta(ge=1, le=50)]], Meta(max_length=50)] | UnsetType = UNSET


class BlockTask(Struct, forbid_unknown_fields=True):
    """Say that a task cannot go on, and why. Starting it again ends that."""

    task: TaskName
    reason: BlockedReason


class CommentOnTask(Struct, forbid_unknown_fields=True):
    """Say something about a task, in its thread in the project's channel."""

    task: TaskName
    content: Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]


class ShownProject(Struct):
    """A project in short; `tasks` counts them by status."""

    id: UUID
    slug: str
    name: str
    description: str | None
    is_active: bool
    tasks: dict[str, int]


class Projects(Struct):
    """Projects; `next` goes back as `after`."""

    projects: list[ShownProject]
    next: str | None


class ShownTask(Struct, kw_only=True):
    """A task in short; `name` names it in other calls. `waits_for`: how many tasks have to be settled before."""

    id: UUID
    name: str
    title: str
    status: TaskStatus
    priority: Priority
    deadline: datetime | None
    assignee: str | None
    labels: list[str]
    waits_for: int


class WholeTask(ShownTask, kw_only=True):
    """A task with all that is known of it. `thread_id` is in the conversation `conversation_id`."""

    description: str | None
    success_criteria: list[SuccessCriterion]
    depends_on: list[str]
    blocks: list[str]
    blocked_reason: str | None
    conversation_id: UUID | None
    thread_id: UUID | None


class Tasks(Struct):
    """Tasks; `next` goes back as `after`."""

    tasks: list[ShownTask]
    next: str | None


class Commented(Struct):
    """Where the comment stands."""

    conversation_id: UUID
    message_id: UUID


async def list_projects(caller: Caller, asked: ListProjects) -> Projects:
    """A page of the projects that the caller may see."""
    async with caller.db.transaction(caller.actor) as tx:
        page = await project_queries.list_projects(tx, caller.actor, after=asked.after, limit=asked.limit)
    shown = [ShownProject(p.id, p.slug, p.name, p.description, p.is_active, p.tasks) for p in page.items]
    return Projects(shown, page.next)


async def list_tasks(caller: Caller, asked: ListTasks) -> Tasks:
    """A page of tasks."""
    async with caller.db.transaction(caller.actor) as tx:
        project = (await project_queries.find_project(tx, caller.actor, asked.project)).id if asked.project else None
        page = await task_queries.list_tasks(
            tx, caller.actor, project=project, status=asked.status, unassigned=asked.unassigned, q=asked.text,
            assignee=caller.actor.id if asked.mine else None, after=asked.after, limit=asked.limit,
        )  # fmt: skip
    return Tasks([_short(one) for one in page.items], page.next)


async def read_task(caller: Caller, asked: ReadTask) -> WholeTask:
    """A task."""
    async with caller.db.transaction(caller.actor) as tx:
        return _whole(await task_queries.find_task(tx, caller.actor, asked.task))


async def next_task(caller: Caller, asked: NextTask) -> WholeTask:
    """The task that is the caller's now."""
    async with caller.db.transaction(caller.actor) as tx:
        project = (await project_queries.find_project(tx, caller.actor, asked.project)).id if asked.project else None
        return _whole(await checkout.take_next_task(tx, caller.actor, project))


async def create_task(caller: Caller, asked: CreateTask) -> WholeTask:
    """The new task."""
    async with caller.db.transaction(caller.actor) as tx:
        project = await project_queries.find_project(tx, caller.actor, asked.project)
        data = NewTask(
            project_id=project.id, title=asked.title, description=asked.description, priority=asked.priority,
            deadline=asked.deadline, success_criteria=[SuccessCriterion(text) for text in asked.success_criteria],
            labels=asked.labels,
        )  # fmt: skip
        return _whole(await tasks.create_task(tx, caller.actor, data))


async def start_task(caller: Caller, asked: StartTask) -> WholeTask:
    """The task in progress."""
    return await _change(caller, asked.task, TaskChange(status=TaskStatus.IN_PROGRESS))


async def complete_task(caller: Caller, asked: CompleteTask) -> WholeTask:
    """The task, done."""
    change = TaskChange(status=TaskStatus.COMPLETED)
    async with caller.db.transaction(caller.actor) as tx:
        task = await task_queries.find_task(tx, caller.actor, asked.task)
        if asked.met is not UNSET:
            change.success_criteria = [
                SuccessCriterion(one.text, is_met=place in asked.met)
                for place, one in enumerate(task.success_criteria, start=1)
            ]
        return _whole(await tasks.change_task(tx, caller.actor, task.id, change))


async def block_task(caller: Caller, asked: BlockTask) -> WholeTask:
    """The task, blocked."""
    return await _change(caller, asked.task, TaskChange(status=TaskStatus.BLOCKED, blocked_reason=asked.reason))


async def comment_on_task(caller: Caller, asked: CommentOnTask) -> Commented:
    """Where it was said."""
    async with caller.db.transaction(caller.actor) as tx:
        task = await task_queries.find_task(tx, caller.actor, asked.task)
    posting = caller.parts.part(Posting)
    posted = await comments.comment_task(caller.db, posting, caller.actor, task.id, asked.content)
    return Commented(posted.message.conversation_id, posted.message.id)


async def _change(caller: Caller, name: str, change: TaskChange) -> WholeTask:
    async with caller.db.transaction(caller.actor) as tx:
        task = await task_queries.find_task(tx, caller.actor, name)
        return _whole(await tasks.change_task(tx, caller.actor, task.id, change))


def _short(task: Task) -> ShownTask:
    return ShownTask(
        id=task.id, name=task.name, title=task.title, status=task.status, priority=task.priority,
        deadline=task.deadline, assignee=task.assignee.name if task.assignee else None, labels=task.labels,
        waits_for=task.waits_for,
    )  # fmt: skip


def _whole(task: TaskDetail) -> WholeTask:
    short = _short(task)
    return WholeTask(
        **{name: getattr(short, name) for name in ShownTask.__struct_fields__},
        description=task.description, success_criteria=task.success_criteria, blocked_reason=task.blocked_reason,
        depends_on=[f"#{one.number} {one.title} ({one.status})" for one in task.depends_on],
        blocks=[f"#{one.number} {one.title} ({one.status})" for one in task.blocks],
        conversation_id=task.project.conversation_id, thread_id=task.thread_id,
    )  # fmt: skip


TOOLS: list[Tool] = [
    Tool(
        "list_projects", described(ListProjects), ListProjects, list_projects, is_repeatable=True, gives=Projects,
        title="List projects", risk=Risk.READ,
    ),
    Tool(
        "list_tasks", described(ListTasks), ListTasks, list_tasks, is_repeatable=True, gives=Tasks,
        title="List tasks", risk=Risk.READ,
    ),
    Tool(
        "read_task", described(ReadTask), ReadTask, read_task, is_repeatable=True, gives=WholeTask,
        title="Read a task", risk=Risk.READ,
    ),
    Tool(
        "next_task", described(NextTask), NextTask, next_task, is_repeatable=False, gives=WholeTask,
        title="Take the next task", effect=lambda _asked: "Takes the next task and starts it.",
    ),
    Tool(
        "create_task", described(CreateTask), CreateTask, create_task, is_repeatable=False, gives=WholeTask,
        title="Write a task", effect=lambda asked: f"Writes the task “{asked.title}” into {asked.project}.",
    ),
    Tool(
        "start_task", described(StartTask), StartTask, start_task, is_repeatable=True, is_idempotent=True,
        gives=WholeTask, title="Start a task", effect=lambda asked: f"Starts the task {asked.task}.",
    ),
    Tool(
        "complete_task", described(CompleteTask), CompleteTask, complete_task, is_repeatable=True, is_idempotent=True,
        gives=WholeTask, title="Complete a task", effect=lambda asked: f"Says that the task {asked.task} is done.",
    ),
    Tool(
        "block_task", described(BlockTask), BlockTask, block_task, is_repeatable=True, is_idempotent=True,
        gives=WholeTask, title="Block a task",
        effect=lambda asked: f"Says that the task {asked.task} cannot go on: {asked.reason}",
    ),
    Tool(
        "comment_on_task", described(CommentOnTask), CommentOnTask, comment_on_task, is_repeatable=False,
        gives=Commented, title="Comment on a task", effect=lambda asked: f"Comments on the task {asked.task}.",
    ),
]  # fmt: skip
