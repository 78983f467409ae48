"""Tasks: what is to be done, and the queue that one takes the next one from."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Author, Message
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class TaskProject(msgspec.Struct, frozen=True, kw_only=True):
    """The project of a task."""

    id: str
    slug: str
    name: str
    is_active: bool = True
    conversation_id: str | None = None


class TaskCriterion(msgspec.Struct, frozen=True):
    """Something that has to hold when the task is done."""

    text: str
    is_met: bool = False


class TaskLink(msgspec.Struct, frozen=True, kw_only=True):
    """Another task, in short."""

    id: str
    number: int
    title: str
    status: str
    priority: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task: `backlog`, `assigned`, `in_progress`, `blocked`, `completed` or `cancelled`; P0 (critical) to P3.

    `waits_for`: how many of `depends_on` are not settled. `description` and the links are None and empty in lists.
    """

    id: str
    project: TaskProject
    number: int
    title: str
    status: str
    priority: str
    version: int
    created_by: Author
    created_at: datetime
    deadline: datetime | None = None
    success_criteria: list[TaskCriterion] = []
    labels: list[str] = []
    assignee: Author | None = None
    blocked_reason: str | None = None
    waits_for: int = 0
    thread_id: str | None = None
    github_issue_id: int | None = None
    github_issue_number: int | None = None
    github_repository_id: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    deleted_at: datetime | None = None
    description: str | None = None
    depends_on: list[TaskLink] = []
    blocks: list[TaskLink] = []

    @property
    def name(self) -> str:
        """What it is called in passing: `shop#12`."""
        return f"{self.project.slug}#{self.number}"


class TaskIssue(msgspec.Struct, frozen=True, kw_only=True):
    """The issue that a task follows, while `is_followed`."""

    repository: str
    number: int
    url: str | None = None
    state: str | None = None
    is_followed: bool = True


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request of a task: `open`, `draft`, `closed` or `merged`; review and checks where there are any."""

    repository_id: str
    repository: str
    number: int
    title: str | None = None
    url: str | None = None
    author: str | None = None
    state: str | None = None
    review: str | None = None
    checks: str | None = None
    is_by_hand: bool = False


class SentChange(msgspec.Struct, frozen=True, kw_only=True):
    """What went out of a task, waits, or was refused; `outcome` of a field is `lost` where GitHub's was later."""

    kind: str
    state: str
    fields: list[str] = []
    outcome: dict[str, str] = {}
    reason: str | None = None


class TaskOnGithub(msgspec.Struct, frozen=True, kw_only=True):
    """What a task is at GitHub."""

    issue: TaskIssue | None = None
    repository: str | None = None
    sends_comments: bool = False
    unsent_comments: int = 0
    pull_requests: list[PullRequest] = []
    changes: list[SentChange] = []


class BoardColumn(msgspec.Struct, frozen=True):
    """A column of a board: how many tasks have the status, and the first of them."""

    status: str
    total: int
    tasks: list[Task]


class Board(msgspec.Struct, frozen=True):
    """A project's tasks by status."""

    columns: list[BoardColumn]


class TaskRefusal(msgspec.Struct, frozen=True):
    """A task that was left as it was, and why."""

    id: str
    code: str
    detail: str


class TasksChanged(msgspec.Struct, frozen=True):
    """What became of a change of several tasks."""

    changed: list[str]
    refused: list[TaskRefusal]


class Tasks:
    """Tasks of the projects that one may see."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, q: str | None = None, **filters: Any) -> AsyncIterator[Task]:
        """Give tasks in the order of the queue.

        Filters: `project`, `status`, `priority`, `label` (lists), `assignee`, `unassigned`, `due_before`, `deleted`,
        `order` (queue, newest).
        """
        query = {name: str(value).lower() if isinstance(value, bool) else value for name, value in filters.items()}
        return walk(self._transport, "/tasks", Page[Task], {"q": q, **query})

    async def get(self, name: str) -> Task:
        """Give the task of this id, or of `project#12`."""
        slug, _, number = name.rpartition("#")
        path = join("tasks", "of", slug, number) if slug else join("tasks", name)
        return await self._transport.call("GET", path, Task)

    async def create(self, project_id: str, title: str, **fields: Any) -> Task:
        """Write a task.

        Fields: `description`, `priority`, `deadline`, `success_criteria`, `labels`, `assignee`, `waits_for`.
        """
        body = as_body(project_id=project_id, title=title, **fields)
        return await self._transport.call("POST", "/tasks", Task, body=body)

    async def take_next(self, project_id: str | None = None) -> Task | None:
        """Take the next task: it is the caller's, and in progress. None when there is none."""
        try:
            return await self._transport.call("POST", "/tasks/next", Task, body=as_body(project_id=project_id))
        except CrewhallApiError as error:
            if error.code == "no_task":
                return None
            raise

    async def change(self, task_id: str, **fields: Any) -> Task:
        """Change a task; what is left out stays. `assignee` is {"type": "agent" or "user", "id": …} or None."""
        return await self._transport.call("PATCH", join("tasks", task_id), Task, body=fields)

    async def change_all(self, task_ids: Sequence[str], **fields: Any) -> TasksChanged:
        """Make the same change of several tasks, each by itself."""
        body = {"tasks": list(task_ids), "change": fields}
        return await self._transport.call("POST", "/tasks/changes", TasksChanged, body=body)

    async def start(self, task_id: str) -> Task:
        """Start a task; one that is nobody's becomes the caller's."""
        return await self.change(task_id, status="in_progress")

    async def complete(self, task_id: str) -> Task:
        """Say that it is done."""
        return await self.change(task_id, status="completed")

    async def block(self, task_id: str, reason: str) -> Task:
        """Say that it cannot go on, and why."""
        return await self.change(task_id, status="blocked", blocked_reason=reason)

    async def delete(self, task_id: str) -> None:
        """Delete a task; it can be restored."""
        await self._transport.call("DELETE", join("tasks", task_id), Nothing)

    async def restore(self, task_id: str) -> Task:
        """Bring a deleted task back."""
        return await self._transport.call("POST", join("tasks", task_id, "restore"), Task)

    async def wait_for(self, task_id: str, other_id: str) -> Task:
        """Let a task wait for another of its project."""
        return await self._transport.call("PUT", join("tasks", task_id, "dependencies", other_id), Task)

    async def wait_no_more(self, task_id: str, other_id: str) -> Task:
        """Let it wait for the other no more."""
        return await self._transport.call("DELETE", join("tasks", task_id, "dependencies", other_id), Task)

    async def comment(self, task_id: str, content: str, *, only_here: bool = False) -> Message:
        """Say something about a task, in its thread; on its issue at GitHub, too, unless `only_here`."""
        body = {"content": content, "only_here": only_here}
        return await self._transport.call("POST", join("tasks", task_id, "comments"), Message, body=body)

    async def at_github(self, task_id: str) -> TaskOnGithub:
        """Give what a task is at GitHub: its issue, its pull requests, what went out of it."""
        return await self._transport.call("GET", join("tasks", task_id, "github"), TaskOnGithub)

    async def make_issue(self, task_id: str) -> TaskOnGithub:
        """Have an issue made of a task, in the repository of its project."""
        return await self._transport.call("POST", join("tasks", task_id, "issue"), TaskOnGithub)

    async def send_earlier_comments(self, task_id: str) -> TaskOnGithub:
        """Have said at GitHub what was said of a task before it had an issue, the oldest hundred."""
        return await self._transport.call("POST", join("tasks", task_id, "earlier-comments"), TaskOnGithub)

    async def link_pull_request(self, task_id: str, url: str) -> TaskOnGithub:
        """Say that a task has this pull request (its address, or `owner/name#12`): merging it completes the task."""
        path = join("tasks", task_id, "pull-requests")
        return await self._transport.call("POST", path, TaskOnGithub, body={"url": url}, repeatable=True)

    async def unlink_pull_request(self, task_id: str, repository_id: str, number: int) -> None:
        """Take such a link away."""
        path = join("tasks", task_id, "pull-requests", repository_id, str(number))
        await self._transport.call("DELETE", path, Nothing)

    async def labels(self, project_id: str | None = None) -> Sequence[str]:
        """Give the labels that tasks have, the most used first."""
        return (await self._transport.call("GET", "/tasks/labels", Page[str], query={"project": project_id})).items
