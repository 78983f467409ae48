"""What a task is at GitHub, for whoever sees the task: its issue, its pull requests, what went out and what did not."""

import re
from typing import LiteralString
from uuid import UUID

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.work.issues.pulls import pull_requests_of
from crewhall.work.issues.rows import find_linked
from crewhall.work.issues.schemas import SentChange, TaskIssue, TaskOnGithub
from crewhall.work.issues.sending import send_issue
from crewhall.work.issues.sent import count_unsent, send_earlier
from crewhall.work.task_queries import access_task, check_active_task

SHOWN_CHANGES = 10
_URL = re.compile(r"^(?:https?://[^\s/]+/)?(?P<name>[^\s/]+/[^\s/#]+)(?:/pull/|#)(?P<number>\d+)$")
_ISSUE: LiteralString = """
select r.id as repository_id, r.full_name as repository, t.github_issue_number as number, i.url, i.state,
    coalesce(r.project_id = t.project_id, false) as is_followed
from tasks t join github_repositories r on r.org_id = t.org_id and r.id = t.github_repository_id
left join github_items i on i.org_id = t.org_id and i.repository_id = r.id and i.kind = 'issue'
    and i.key = t.github_issue_id::text
where t.org_id = %(org)s and t.id = %(task)s and t.github_issue_number is not null
"""
_CHANGES: LiteralString = """
select id, kind, state, array(select jsonb_object_keys(fields) order by 1) as fields, outcome, reason, created_at,
    done_at
from github_changes where org_id = %(org)s and task_id = %(task)s order by id desc limit %(most)s
"""


async def task_on_github(tx: Tx, actor: Actor, task_id: UUID) -> TaskOnGithub:
    """What a task is at GitHub. Raises NOT_FOUND."""
    task = await access_task(tx, actor, task_id)
    values: Params = {"org": actor.org, "task": task_id, "most": SHOWN_CHANGES}
    issue = await tx.find(TaskIssue, _ISSUE, values)
    linked = await find_linked(tx, project_id=task.project.id)
    takes_comments = bool(linked and linked.sends_comments and issue and issue.is_followed)
    return TaskOnGithub(
        issue=issue,
        repository=linked.full_name if linked else None,
        sends_comments=takes_comments,
        unsent_comments=await count_unsent(tx, task_id) if takes_comments else 0,
        pull_requests=await pull_requests_of(tx, actor, task, issue.repository_id if issue else None),
        changes=await tx.all(SentChange, _CHANGES, values),
    )


async def make_issue(tx: Tx, actor: Actor, task_id: UUID) -> TaskOnGithub:
    """Have an issue made of a task; it follows it from then on. Raises NOT_FOUND, FORBIDDEN, CONFLICT."""
    task = await access_task(tx, actor, task_id, change=True, lock=True)
    check_active_task(task)
    linked = await find_linked(tx, project_id=task.project.id)
    if linked is None:
        raise CONFLICT("The project has no repository. An owner or admin links one in the settings of GitHub.")
    if task.github_issue_number is not None or await _is_asked(tx, actor, task_id):
        raise CONFLICT("The task has an issue, or gets one in a moment.")
    await send_issue(tx, actor, linked, task)
    return await task_on_github(tx, actor, task_id)


async def send_comments(tx: Tx, actor: Actor, task_id: UUID) -> TaskOnGithub:
    """Have said at GitHub what was said of a task before it had an issue. Raises NOT_FOUND, FORBIDDEN, CONFLICT."""
    await send_earlier(tx, actor, task_id)
    return await task_on_github(tx, actor, task_id)


def read_url(url: str) -> tuple[str, int]:
    """The repository and number in the address of a pull request, or in `owner/name#12`."""
    found = _URL.match(url)
    assert found is not None, "the schema holds the pattern"
    return found["name"], int(found["number"])


def read_number(typed: str) -> int:
    """A pull request's number in a path. Raises NOT_FOUND."""
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 10):  # noqa: PLR2004 - what an integer holds
        raise NOT_FOUND("There is no such pull request.")
    return int(typed)


async def _is_asked(tx: Tx, actor: Actor, task_id: UUID) -> bool:
    sql: LiteralString = """
    select exists (select from github_changes where org_id = %(org)s and task_id = %(task)s and kind = 'create_issue'
                     and state = 'waiting')
    """
    return bool(await tx.value(sql, {"org": actor.org, "task": task_id}))
