"""Tasks and GitHub on the timeline: told where their facts are, once each, whatever came how often.

What GitHub tells of long ago is no news. An event of GitHub's has the moment at which it happened there and an id that
follows from what it tells, so that a repository which is mirrored anew tells nothing twice.
"""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid5

from msgspec import Struct

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.events import subscribe
from crewhall.work import facts
from crewhall.work.github.facts import PullRequestMerged, PullRequestOpened, ReviewRequested, ReviewSubmitted
from crewhall.work.issues.rows import GITHUB_ID, members_of
from crewhall.work.task_queries import access_task
from crewhall.work.timeline import record_event
from crewhall.work.timeline_content import (
    Content,
    IssueAssigned,
    TaskAssigned,
    TaskBlocked,
    TaskCompleted,
)
from crewhall.work.timeline_content import PullRequestMerged as Merged
from crewhall.work.timeline_content import PullRequestOpened as Opened
from crewhall.work.timeline_content import ReviewRequested as Asked
from crewhall.work.timeline_content import ReviewResponded as Responded
from crewhall.work.timeline_news import is_news, line_of
from crewhall.work.timeline_vocabulary import Verdict

LONGEST_TEXT = 10_000
_PULL: LiteralString = """
select r.full_name as repository, r.github_id, i.number, coalesce(i.title, '') as title,
    coalesce(i.url, 'https://github.com/' || r.full_name || '/pull/' || i.number) as url, i.author,
    (i.data ->> 'created_at')::timestamptz as created_at, (i.data ->> 'merged_at')::timestamptz as merged_at, i.moment
from github_repositories r join github_items i on i.org_id = r.org_id and i.repository_id = r.id
where r.org_id = (select (current_orgs())[1]) and r.id = %(id)s and i.kind = 'pull_request' and i.number = %(number)s
limit 1
"""
_ISSUE: LiteralString = """
select r.full_name as repository, i.number, i.url, i.author
from github_repositories r join github_items i on i.org_id = r.org_id and i.repository_id = r.id and i.kind = 'issue'
where r.org_id = (select (current_orgs())[1]) and r.id = %(id)s and i.number = %(number)s limit 1
"""
_REVIEW: LiteralString = """
select i.body, i.url, i.moment from github_items i
where i.org_id = (select (current_orgs())[1]) and i.repository_id = %(id)s and i.kind = 'review' and i.key = %(key)s
"""


class _Pull(Struct, frozen=True):
    repository: str
    github_id: int | None
    number: int
    title: str
    url: str
    author: str | None
    created_at: datetime | None
    merged_at: datetime | None
    moment: datetime


class _Issue(Struct, frozen=True):
    repository: str
    number: int
    url: str | None
    author: str | None


class _Review(Struct, frozen=True):
    body: str | None
    url: str | None
    moment: datetime


def tell_of_work() -> None:
    """Record what tasks and repositories tell of, in their transactions."""
    subscribe(facts.TaskAssigned, _on_assigned)
    subscribe(facts.TaskBlocked, _on_blocked)
    subscribe(facts.TaskCompleted, _on_completed)
    subscribe(PullRequestOpened, _on_opened)
    subscribe(PullRequestMerged, _on_merged)
    subscribe(ReviewRequested, _on_review_requested)
    subscribe(ReviewSubmitted, _on_review)


async def _on_assigned(tx: Tx, actor: Actor, fact: facts.TaskAssigned) -> None:
    """An issue that was assigned at GitHub is told as that, besides."""
    text = (fact.description or "")[:LONGEST_TEXT] or None
    content = TaskAssigned(
        task_id=fact.task_id, title=fact.title, description=text, priority=str(fact.priority), deadline=fact.deadline
    )
    await _of_task(tx, actor, fact, content)
    if actor.id == GITHUB_ID:
        await _on_issue_assigned(tx, actor, fact)


async def _on_issue_assigned(tx: Tx, actor: Actor, fact: facts.TaskAssigned) -> None:
    task = await access_task(tx, actor, fact.task_id)
    if task.github_repository_id is None:
        return
    values = {"id": task.github_repository_id, "number": task.github_issue_number}
    issue = await tx.find(_Issue, _ISSUE, values)
    if issue is not None:
        url = issue.url or f"https://github.com/{issue.repository}/issues/{issue.number}"
        content = IssueAssigned(
            repository=issue.repository, number=issue.number, title=fact.title, url=url, task_id=fact.task_id
        )
        await _of_task(tx, actor, fact, content)


async def _on_blocked(tx: Tx, actor: Actor, fact: facts.TaskBlocked) -> None:
    task = await access_task(tx, actor, fact.task_id)
    waits = [one.id for one in task.depends_on][:100]
    reason = fact.reason[:LONGEST_TEXT] or None
    content = TaskBlocked(task_id=fact.task_id, title=fact.title, reason=reason, blocked_by=waits)
    await _of_task(tx, actor, fact, content)


async def _on_completed(tx: Tx, actor: Actor, fact: facts.TaskCompleted) -> None:
    task = await access_task(tx, actor, fact.task_id)
    at = task.completed_at if actor.id == GITHUB_ID else None  # it says when
    if at is None or is_news(at):
        await _of_task(tx, actor, fact, TaskCompleted(task_id=fact.task_id, title=fact.title), at=at)


async def _on_opened(tx: Tx, actor: Actor, fact: PullRequestOpened) -> None:
    pull = await _pull(tx, fact.at.repository_id, fact.number)
    if pull is not None and pull.created_at is not None and is_news(pull.created_at):
        content = Opened(**_told(pull), login=line_of(pull.author))
        await _of_pull(tx, actor, fact, content, pull.author, pull.created_at, f"opened:{pull.github_id}:{pull.number}")


async def _on_merged(tx: Tx, actor: Actor, fact: PullRequestMerged) -> None:
    pull = await _pull(tx, fact.at.repository_id, fact.number)
    if pull is not None and pull.merged_at is not None and is_news(pull.merged_at):
        content = Merged(**_told(pull), login=line_of(pull.author))
        await _of_pull(tx, actor, fact, content, pull.author, pull.merged_at, f"merged:{pull.github_id}:{pull.number}")


async def _on_review_requested(tx: Tx, actor: Actor, fact: ReviewRequested) -> None:
    pull = await _pull(tx, fact.at.repository_id, fact.number)
    if pull is None or not is_news(pull.moment):
        return
    known = await members_of(tx, sorted(one.lower() for one in fact.reviewers))
    asked = ",".join(sorted(fact.reviewers))
    content = Asked(title=line_of(pull.title) or f"#{pull.number}", url=pull.url, login=line_of(pull.author))
    key = f"asked:{pull.github_id}:{pull.number}:{asked}:{pull.moment.isoformat()}"
    await _of_pull(tx, actor, fact, content, pull.author, pull.moment, key, mentions=[one.id for one in known.values()])


async def _on_review(tx: Tx, actor: Actor, fact: ReviewSubmitted) -> None:
    pull = await _pull(tx, fact.at.repository_id, fact.number)
    review = await tx.find(_Review, _REVIEW, {"id": fact.at.repository_id, "key": fact.at.key})
    if pull is None or review is None or fact.state not in set(Verdict) or not is_news(review.moment):
        return
    content = Responded(
        title=line_of(pull.title) or f"#{pull.number}", verdict=Verdict(fact.state), url=review.url or pull.url,
        text=(review.body or "")[:LONGEST_TEXT] or None, login=line_of(fact.author),
    )  # fmt: skip
    key = f"review:{pull.github_id}:{fact.at.key}:{fact.state}"
    await _of_pull(tx, actor, fact, content, fact.author, review.moment, key)


async def _of_task(tx: Tx, actor: Actor, fact: facts.TaskFact, content: Content, *, at: datetime | None = None) -> None:
    """It tells of an agent whose task it is; whoever did it is its author."""
    whose = fact.assignee_id
    await record_event(
        tx, fact.org_id, content, author=actor, project_id=fact.project_id, at=at,
        agent_id=whose if fact.assignee_type is ActorType.AGENT else None,
        mentions=[whose] if whose is not None and whose != actor.id else [],
        metadata={"task": str(fact.task_id), "priority": str(fact.priority)},
    )  # fmt: skip


async def _of_pull(
    tx: Tx,
    actor: Actor,
    fact: Any,
    content: Content,
    login: str | None,
    at: datetime,
    key: str,
    *,
    mentions: list[UUID] | None = None,
) -> None:
    """Who did it at GitHub is its author, if somebody here is called so there."""
    known = (await members_of(tx, [login.lower()])).get(login.lower()) if login else None
    author = Actor(type=ActorType(known.type), id=known.id, org_id=actor.org, name=known.name) if known else None
    told = {"repository": fact.at.repository_id, "number": fact.number}
    await record_event(
        tx, actor.org, content, author=author, project_id=fact.at.project_id, at=at, mentions=mentions,
        event_id=uuid5(actor.org, f"github:{key}"), metadata={name: str(value) for name, value in told.items()},
    )  # fmt: skip


async def _pull(tx: Tx, repository_id: UUID, number: int) -> _Pull | None:
    return await tx.find(_Pull, _PULL, {"id": repository_id, "number": number})


def _told(pull: _Pull) -> dict[str, Any]:
    return {
        "repository": pull.repository, "number": pull.number, "title": line_of(pull.title) or f"#{pull.number}",
        "url": pull.url,
    }  # fmt: skip
