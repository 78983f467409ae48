"""What is changed of a task goes out to its issue: the difference between the two, as they will stand.

What was taken from GitHub makes no difference, so that nothing goes back and forth; what waits to go out counts as
done.
"""

from collections.abc import Collection
from typing import Any

from crewhall.conversations import MemberType
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Tx
from crewhall.work.facts import TaskChanged, TaskCreated
from crewhall.work.github.facts import ChangeEnded
from crewhall.work.github.outgoing import queue_change
from crewhall.work.github.schemas import ChangeInput, IssueFields
from crewhall.work.github.vocabulary import ChangeKind
from crewhall.work.issues.rows import (
    GITHUB_ID,
    Linked,
    assignee_of,
    find_issue,
    find_linked,
    laid_over,
    login_of,
    members_of,
    waiting_fields,
)
from crewhall.work.issues.sent import send_since
from crewhall.work.issues.taking import LONGEST_SENT_TITLE, follow_issue
from crewhall.work.issues.told import Issue, description_of, labels_of, state_of, title_of, told_of
from crewhall.work.issues.wording import quiet
from crewhall.work.task_queries import access_task
from crewhall.work.task_schemas import Assignee, TaskDetail
from crewhall.work.vocabulary import TaskStatus

SENT = frozenset({"title", "description", "labels", "status", "assignee"})
REASONS = {TaskStatus.COMPLETED: "completed", TaskStatus.CANCELLED: "not_planned"}


async def on_task_changed(tx: Tx, actor: Actor, fact: TaskChanged) -> None:
    """What was changed of a task goes out, if its project has a repository and the task an issue there."""
    if actor.id == GITHUB_ID or SENT.isdisjoint(fact.changed):
        return
    linked = await find_linked(tx, project_id=fact.project_id)
    if linked is not None:
        task = await access_task(tx, system_actor(fact.org_id), fact.task_id)
        await send_differences(tx, actor, linked, task, SENT.intersection(fact.changed))


async def on_task_created(tx: Tx, actor: Actor, fact: TaskCreated) -> None:
    """A new task becomes an issue, where the repository says so."""
    linked = await find_linked(tx, project_id=fact.project_id)
    if linked is None or not linked.makes_issues:
        return
    task = await access_task(tx, system_actor(fact.org_id), fact.task_id)
    if task.github_issue_number is None and task.github_issue_id is None:
        await send_issue(tx, actor, linked, task)


async def on_change_ended(tx: Tx, _actor: Actor, fact: ChangeEnded) -> None:
    """Follow what was left alone while a change waited; send what was changed before there was an issue."""
    linked = await find_linked(tx, repository_id=fact.repository_id, lock=True)
    if linked is None or fact.number is None:
        return
    task_id = await follow_issue(tx, linked, number=fact.number)
    if fact.kind is ChangeKind.CREATE_ISSUE and task_id is not None:
        system = system_actor(linked.org_id)
        await send_differences(tx, system, linked, await access_task(tx, system, task_id), SENT)
        await send_since(tx, task_id, fact.change_id)


async def send_issue(tx: Tx, actor: Actor, linked: Linked, task: TaskDetail) -> None:
    """Have an issue made of a task."""
    fields: dict[str, Any] = {"title": task.title[:LONGEST_SENT_TITLE]}
    if task.description:
        fields["body"] = quiet(task.description)
    if task.labels:
        fields["labels"] = task.labels
    who = task.assignee
    login = await login_of(tx, Assignee(MemberType(str(who.type)), who.id)) if who else None
    if login is not None:
        fields["assignees"] = [login]
    await queue_change(tx, actor, linked.id, ChangeInput(issue=IssueFields(**fields)), task_id=task.id, most=None)


async def send_differences(tx: Tx, actor: Actor, linked: Linked, task: TaskDetail, names: Collection[str]) -> None:
    """Have what a task says otherwise than its issue will, of these of its fields, be written there."""
    if task.github_issue_number is None or task.deleted_at is not None:
        return
    issue = await find_issue(tx, linked.id, number=task.github_issue_number)
    if issue is None or issue.is_deleted or issue.github_id != task.github_issue_id:
        return
    waiting = await waiting_fields(tx, linked.id, issue.number)
    fields = await _differences(tx, linked, task, laid_over(issue, waiting), names)
    if fields:
        data = ChangeInput(number=issue.number, issue=IssueFields(**fields))
        await queue_change(tx, actor, linked.id, data, task_id=task.id, most=None)


async def _differences(
    tx: Tx, linked: Linked, task: TaskDetail, issue: Issue, names: Collection[str]
) -> dict[str, Any]:
    told = told_of(issue)
    fields: dict[str, Any] = {}
    if "title" in names and title_of(task.title[:LONGEST_SENT_TITLE]) != told.title:
        fields["title"] = task.title[:LONGEST_SENT_TITLE]
    if "description" in names and description_of(task.description) != told.description:
        fields["body"] = quiet(task.description or "")
    if "labels" in names and sorted(task.labels) != told.labels:
        fields["labels"] = relabelled(issue.labels, task.labels)
    if "status" in names and state_of(task.status) != told.state:
        reason = REASONS.get(task.status)
        fields |= {"state": "closed", "state_reason": reason} if reason else {"state": "open"}
    if "assignee" in names:
        fields |= await _assignees(tx, linked, task, issue, told.assignees)
    return fields


async def _assignees(tx: Tx, linked: Linked, task: TaskDetail, issue: Issue, logins: list[str]) -> dict[str, list[str]]:
    """Whose it is to be there: those whom nobody here is keep their place. Nothing where nobody says what they are."""
    who = Assignee(MemberType(str(task.assignee.type)), task.assignee.id) if task.assignee else None
    if who == await assignee_of(tx, linked.project_id, task.priority, logins):
        return {}
    login = await login_of(tx, who) if who else None
    if who is not None and login is None:
        return {}
    known = await members_of(tx, logins)
    strangers = [one for one in issue.assignees if one.lower() not in known]
    return {"assignees": sorted({*strangers[:9], *([login] if login else [])})}


def relabelled(there: list[str], wanted: Collection[str]) -> list[str]:
    """Labels to be there: those that are, written as they are, less what a task gave up, and what it has besides.

    Of a task's labels there are at most twenty: what it cannot hold stays.
    """
    held = set(labels_of(there))
    kept = [one for one in there if set(labels_of([one])) <= set(wanted) or not set(labels_of([one])) <= held]
    has = {label for one in kept for label in labels_of([one])}
    return sorted({*kept, *(one for one in wanted if one not in has)})
