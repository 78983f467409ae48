"""Pages of tasks: the list with its filters, many changed at once, one task with its thread."""

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations import Posting, render_markdown
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.moments import local
from crewhall.faces.plumbing.pages import go, render_in_hall, zone_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.work import (
    comments,
    pages_issues,
    pages_projects,
    pages_task_new,
    task_dependencies,
    task_queries,
    tasks,
)
from crewhall.work.issues.seen import task_on_github
from crewhall.work.pages_assignees import ME, NOBODY, Names, names_for, read_whose, show_assignees, typed_for
from crewhall.work.pages_projects import PRIORITIES, STATUSES
from crewhall.work.project_queries import find_project, list_projects
from crewhall.work.task_messages import find_origin
from crewhall.work.task_refusals import STALE_TASK
from crewhall.work.task_schemas import SuccessCriterion, TaskChange, TaskDetail, TasksChange
from crewhall.work.vocabulary import SETTLED, Priority, TaskStatus

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
MOST_PROJECTS = 200
ON_PAGE = 50
LATE = "late"
DUES = [("", "Any deadline"), (LATE, "Overdue"), ("0", "Due today"), ("7", "Due in 7 days"), ("30", "Due in 30 days")]
OPEN = [status for status in TaskStatus if status not in SETTLED]


@get("/tasks")
async def show_tasks(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    project: FromQuery[str] = "",
    status: FromQuery[str] = "",
    priority: FromQuery[str] = "",
    assignee: FromQuery[str] = "",
    label: FromQuery[str] = "",
    due: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Page:
    """The tasks that match; those that are to be done unless asked otherwise."""
    asked = {
        "q": q, "project": project, "status": status, "priority": priority, "assignee": assignee, "label": label,
        "due": due,
    }  # fmt: skip
    async with services.db.transaction(actor) as tx:
        places = (await list_projects(tx, actor, limit=MOST_PROJECTS)).items
        known = await find_project(tx, actor, project) if project else None
        whose = None if assignee == ME else await read_whose(tx, assignee)
        page = await task_queries.list_tasks(
            tx, actor, project=known.id if known else None, q=q, label=[label] if label.strip() else None,
            status=OPEN if not status else None if status == "all" else [_one(TaskStatus, status)],
            priority=[_one(Priority, priority)] if priority else None, unassigned=assignee == NOBODY,
            assignee=actor.id if assignee == ME else whose.id if whose else None, due_before=_due(request, due),
            after=after, limit=ON_PAGE,
        )  # fmt: skip
        names = await names_for(tx, actor)
        if whose:
            asked["assignee"] = await typed_for(tx, whose.type, whose.id)
    older = "/tasks?" + urlencode({**{key: value for key, value in asked.items() if value}, "after": page.next or ""})
    return await render_in_hall(
        "tasks.html", request, services, actor, tasks=page.items, asked=asked, older=older if page.next else None,
        project=known, projects=[("", "Every project"), *((one.slug, one.name) for one in places)],
        statuses=[("", "To be done"), *STATUSES, ("all", "Any status")], priorities=[("", "Any priority"), *PRIORITIES],
        people=[("", "Anybody's"), (ME, "Mine"), (NOBODY, "Nobody's"), *names.options], names=names, dues=DUES,
        words=dict(STATUSES), every_status=STATUSES, every_priority=PRIORITIES,
    )  # fmt: skip


@post("/tasks")
async def change_several(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Make the same change of those that are marked."""
    data = await request.form()
    form = Form({name: value for name, value in data.items() if isinstance(value, str)})
    back = form.v("back") if form.v("back").startswith("/tasks") else "/tasks"
    try:
        async with services.db.transaction(actor) as tx:
            change = await _change(tx, form)
            asked = Form().read(TasksChange, tasks=[str(one) for one in data.getall("task", [])], change=change)
            done = await tasks.change_tasks(tx, actor, asked)
    except CrewhallError as error:
        return go(back, error.detail)
    said = f"{len(done.changed)} changed."
    return go(back, f"{said} {len(done.refused)} not: {done.refused[0].detail}" if done.refused else said)


@get("/tasks/{task_id:uuid}")
async def show_task(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], task_id: FromPath[UUID]
) -> Page:
    """A task."""
    return await _task(request, services, actor, task_id, Form())


@post("/tasks/{task_id:uuid}")
async def change(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], task_id: FromPath[UUID]
) -> Page:
    """Change a task: whatever of it the form has."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            given = await _change(tx, form)
            if "title" in form.values:
                given |= _words(form)
            if _is_changed(form, "due"):
                given["deadline"] = _moment(request, form.v("due"))
            await tasks.change_task(tx, actor, task_id, Form().read(TaskChange, **given))
    except CrewhallError as error:
        form.refuse(error)
        if error.kind is STALE_TASK:  # said, and shown what stands there: only now they may save over it
            form.values["expected_version"] = str(error.fields["version"])
        return await _task(request, services, actor, task_id, form, status=error.kind.status)
    return go(form.v("back") if form.v("back").startswith("/projects/") else f"/tasks/{task_id}")


@post("/tasks/{task_id:uuid}/{deed:str}")
async def decide(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    task_id: FromPath[UUID],
    deed: FromPath[str],
) -> Page:
    """Check a criterion, let it wait for another, comment, delete it, bring it back."""
    form = await read_form(request)
    try:
        if deed == "comment":
            only_here = bool(form.v("only_here"))
            await comments.comment_task(
                services.db, services.part(Posting), actor, task_id, _said(form), only_here=only_here
            )
            return go(f"/tasks/{task_id}#comments")
        async with services.db.transaction(actor) as tx:
            await _do(tx, actor, task_id, deed, form)
    except CrewhallError as error:
        form.refuse(error)
        return await _task(request, services, actor, task_id, form, status=error.kind.status)
    return go(f"/tasks/{task_id}", "It is deleted. You can bring it back here." if deed == "delete" else None)


async def _do(tx: Tx, actor: Actor, task_id: UUID, deed: str, form: Form) -> None:
    if deed == "criterion":
        await _check_criterion(tx, actor, task_id, form)
    elif deed == "wait":
        before = await task_queries.access_task(tx, actor, task_id)
        other = await task_queries.find_task(tx, actor, f"{before.project.slug}#{form.v('waits').strip().lstrip('#')}")
        await task_dependencies.add_dependency(tx, actor, task_id, other.id)
    elif deed == "free":
        await task_dependencies.remove_dependency(tx, actor, task_id, form.id("other"))
    elif deed == "delete":
        await tasks.delete_task(tx, actor, task_id)
    elif deed == "restore":
        await tasks.restore_task(tx, actor, task_id)
    else:
        await pages_issues.do_at_github(tx, actor, task_id, deed, form)


async def _check_criterion(tx: Tx, actor: Actor, task_id: UUID, form: Form) -> None:
    before = await task_queries.access_task(tx, actor, task_id)
    met = [
        SuccessCriterion(one.text, is_met=not one.is_met if form.v("place") == str(place) else one.is_met)
        for place, one in enumerate(before.success_criteria)
    ]
    change = TaskChange(success_criteria=met, expected_version=before.version)
    await tasks.change_task(tx, actor, task_id, change)


async def _task(
    request: AnyRequest, services: Services, actor: Actor, task_id: UUID, form: Form, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        task = await task_queries.access_task(tx, actor, task_id)
        names = await names_for(tx, actor)
        whose = await typed_for(tx, task.assignee.type, task.assignee.id) if task.assignee else NOBODY
        origin = await find_origin(tx, actor, task)
        at_github = await task_on_github(tx, actor, task_id)
    said = await comments.list_comments(services.db, actor, task)
    shown = {
        "status": task.status, "whose": whose, "priority": task.priority,
        "blocked_reason": " ".join((task.blocked_reason or "").split()),  # its field has one line
        "due": f"{local(task.deadline, zone_of(request)):%Y-%m-%dT%H:%M}" if task.deadline else "",
    }  # fmt: skip
    return await render_in_hall(
        "task.html", request, services, actor, status=status, task=task, form=form, names=names, origin=origin,
        at_github=at_github,
        statuses=STATUSES, priorities=PRIORITIES, words=dict(STATUSES), shown=shown, html=_rendered(task),
        criteria="\n".join(one.text for one in task.success_criteria), labels=", ".join(task.labels),
        choices=_choices(task, names, whose),
        may_delete=is_allowed(actor, Permission.TASKS_DELETE), has_more=said.next is not None,
        said=[{"author": one.author, "at": one.created_at, "html": Markup(one.html)} for one in said.items],  # noqa: S704
    )  # fmt: skip


def _choices(task: TaskDetail, names: Names, whose: str) -> list[tuple[str, str]]:
    """Nobody, whose it is, and the first of all others."""
    theirs = [(whose, task.assignee.name)] if task.assignee and whose not in dict(names.options) else []
    return [(NOBODY, "Nobody"), *theirs, *names.options]


async def _change(tx: Tx, form: Form) -> dict[str, Any]:
    """What the small choices of a form say: status, reason, priority, whose it is.

    Only what differs from what the form showed: the rest may be otherwise by now, or follows from what was chosen.
    """
    names = [name for name in ("status", "priority", "blocked_reason") if _is_changed(form, name)]
    changed: dict[str, Any] = {name: form.v(name) for name in names if form.v(name).strip()}
    if form.v("status") != TaskStatus.BLOCKED:
        changed.pop("blocked_reason", None)
    if _is_changed(form, "whose") and (form.v("whose").strip() or "shown_whose" in form.values):
        changed["assignee"] = await read_whose(tx, form.v("whose"))
    if form.v("expected_version"):
        changed["expected_version"] = form.v("expected_version")
    return changed


def _is_changed(form: Form, name: str) -> bool:
    """Whether a field holds something else than the form showed; one that says not what it showed: always."""
    return name in form.values and form.v(name).strip() != form.values.get(f"shown_{name}")


def _words(form: Form) -> dict[str, Any]:
    met = set(form.v("met").split("\n"))
    lines = [" ".join(line.split()) for line in form.v("criteria").splitlines()]
    return {
        "title": form.v("title"),
        "description": form.v("description") or None,
        "labels": [label for part in form.v("labels").split(",") if (label := part.strip())],
        "success_criteria": [{"text": line, "is_met": line in met} for line in lines if line],
    }


def _moment(request: AnyRequest, typed: str) -> str | None:
    if not typed.strip():
        return None
    try:
        return datetime.fromisoformat(typed).replace(tzinfo=zone_of(request)).isoformat()
    except ValueError as error:
        raise INVALID("This is no moment: it looks like 2030-01-31T09:00.", field="due") from error


def _said(form: Form) -> str:
    if not form.v("content").strip():
        raise INVALID("Write something.", field="content")
    return form.v("content")


def _one(kind: type[TaskStatus] | type[Priority], word: str) -> Any:
    try:
        return kind(word)
    except ValueError as error:
        raise INVALID(f"There is no {word[:40]}. Choose another.") from error


def _due(request: AnyRequest, asked: str) -> datetime | None:
    """The last moment of the deadlines that are looked for. Raises INVALID."""
    if not asked:
        return None
    if asked not in dict(DUES):
        raise INVALID("There is no such deadline to look for. Choose another.")
    now = datetime.now(zone_of(request))
    if asked == LATE:
        return now
    return datetime.combine(now.date() + timedelta(days=int(asked)), time.max, tzinfo=now.tzinfo)


def _rendered(task: TaskDetail) -> Markup:
    return Markup(render_markdown(task.description or "", ()))  # noqa: S704 - sanitised


PAGES = page_router([
    *pages_projects.HANDLERS, *pages_task_new.HANDLERS, show_tasks, show_assignees, change_several, show_task, change,
    decide,
])  # fmt: skip
