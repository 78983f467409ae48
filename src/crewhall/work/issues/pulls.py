"""Pull requests of tasks: linked by their own words or by hand, shown with review and checks; what their merge does."""

from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.work.github.facts import PullRequestMerged, PullRequestMirrored
from crewhall.work.issues.rows import find_linked
from crewhall.work.issues.schemas import PullRequest
from crewhall.work.issues.taking import follow_issue
from crewhall.work.task_moves import moved, standing_of
from crewhall.work.task_queries import access_task, check_active_task
from crewhall.work.task_schemas import TaskChange, TaskDetail
from crewhall.work.task_telling import show, tell_change
from crewhall.work.tasks import words_of, write_task
from crewhall.work.vocabulary import SETTLED, TaskStatus

MOST_LINKS = 50
"""Pull requests that a task is linked to by hand."""
_CLOSES: LiteralString = """
select r.id as repository_id, (c ->> 'number')::integer as number
from github_items p cross join lateral jsonb_array_elements(p.data -> 'closes') c
join github_repositories r on r.org_id = p.org_id
    and case when c ->> 'repository' = '' then r.id = p.repository_id else lower(r.full_name) = c ->> 'repository' end
where p.org_id = %(org)s and p.repository_id = %(repository)s and p.number = %(number)s and p.kind = 'pull_request'
  and p.deleted_at is null
"""
_LINKS: LiteralString = """
select issue_repository_id as repository_id, issue_number as number from github_links
where org_id = %(org)s and repository_id = %(repository)s and number = %(number)s and issue_number is not null
"""
_ADD: LiteralString = """
insert into github_links (id, org_id, repository_id, number, issue_repository_id, issue_number)
values (%(id)s, %(org)s, %(repository)s, %(number)s, %(issue_repository)s, %(issue)s) on conflict do nothing
"""
_TAKE_AWAY: LiteralString = """
delete from github_links where org_id = %(org)s and repository_id = %(repository)s and number = %(number)s
  and issue_repository_id = %(issue_repository)s and issue_number = %(issue)s
"""
_PULLS: LiteralString = """
select r.id as repository_id, r.full_name as repository, p.number, p.title, p.url, p.author,
    case when p.state = 'open' and (p.data ->> 'is_draft')::boolean then 'draft' else p.state end as state,
    l.is_by_hand, (
        select case when bool_or(v.state = 'changes_requested') then 'changes_requested'
                    when bool_or(v.state = 'approved') then 'approved' end
        from (select distinct on (i.author) i.state from github_items i
              where i.org_id = p.org_id and i.repository_id = p.repository_id and i.number = p.number
                and i.kind = 'review' and i.deleted_at is null
                and i.state in ('approved', 'changes_requested', 'dismissed')
              order by i.author, i.moment desc, i.key desc) v) as review, (
        select case when bool_or(c.how in ('failure', 'error', 'timed_out', 'cancelled', 'action_required',
                                           'startup_failure')) then 'failing'
                    when bool_or(c.how is null or c.how in ('pending', 'expected')) then 'running'
                    when count(*) > 0 then 'passing' end
        from (select distinct on (i.kind, i.title) case when i.kind = 'status' then i.state
                     when i.state = 'completed' then i.data ->> 'conclusion' end as how
              from github_items i
              where i.org_id = p.org_id and i.repository_id = p.repository_id and i.sha = p.sha
                and i.kind in ('check_suite', 'status') and i.deleted_at is null
              order by i.kind, i.title, i.moment desc, i.key desc) c) as checks
from (select k.repository_id, k.number, bool_and(k.task_id is not null) as is_by_hand from github_links k
      where k.org_id = %(org)s
        and (k.task_id = %(task)s or (k.issue_repository_id = %(of)s and k.issue_number = %(issue)s))
      group by k.repository_id, k.number) l
join github_repositories r on r.org_id = %(org)s and r.id = l.repository_id
join github_items p on p.org_id = %(org)s and p.repository_id = l.repository_id and p.number = l.number
    and p.kind = 'pull_request' and p.deleted_at is null
order by p.moment desc, p.number desc limit 50
"""
_BY_HAND: LiteralString = """
select l.task_id from github_links l join tasks t on t.org_id = l.org_id and t.id = l.task_id
join projects p on p.org_id = t.org_id and p.id = t.project_id and p.deleted_at is null
where l.org_id = %(org)s and l.repository_id = %(repository)s and l.number = %(number)s and t.deleted_at is null
  and t.status not in ('completed', 'cancelled')
order by l.task_id for update of t
"""


class _Target(Struct, frozen=True):
    repository_id: UUID
    number: int


class _Pull(Struct, frozen=True):
    repository_id: UUID
    number: int
    state: str | None


async def on_pull_request(tx: Tx, actor: Actor, fact: PullRequestMirrored) -> None:
    """Issues that a pull request says it closes, or said so before, may stand otherwise now."""
    for one in await relink(tx, actor.org, fact.at.repository_id, fact.number):
        linked = await find_linked(tx, repository_id=one.repository_id, lock=True)
        if linked is not None:
            await follow_issue(tx, linked, number=one.number)


async def on_merged(tx: Tx, actor: Actor, fact: PullRequestMerged) -> None:
    """Tasks that are linked to it by hand are done with it."""
    values = {"org": actor.org, "repository": fact.at.repository_id, "number": fact.number}
    for task_id in await tx.values(_BY_HAND, values):
        await _complete(tx, system_actor(actor.org), task_id)


async def relink(tx: Tx, org_id: UUID, repository_id: UUID, number: int) -> list[_Target]:
    """Take over which issues a pull request closes by its words; gives those, and those that it did before."""
    values: dict[str, Any] = {"org": org_id, "repository": repository_id, "number": number}
    now = set(await tx.all(_Target, _CLOSES, values))
    before = set(await tx.all(_Target, _LINKS, values))
    for one in now - before:
        ids = {"id": new_id(), "issue_repository": one.repository_id, "issue": one.number}
        await tx.run(_ADD, values | ids)
    for one in before - now:
        await tx.run(_TAKE_AWAY, values | {"issue_repository": one.repository_id, "issue": one.number})
    return sorted(now | before, key=lambda one: (str(one.repository_id), one.number))


async def pull_requests_of(tx: Tx, actor: Actor, task: TaskDetail, repository_id: UUID | None) -> list[PullRequest]:
    """The pull requests of a task that the actor sees, the newest first; `repository_id` is its issue's."""
    values = {"org": actor.org, "task": task.id, "of": repository_id, "issue": task.github_issue_number}
    return await tx.all(PullRequest, _PULLS, values)


async def link_pull_request(tx: Tx, actor: Actor, task_id: UUID, repository: str, number: int) -> TaskDetail:
    """Say that a task has a pull request: merging it completes the task. One that is merged does so at once.

    Raises NOT_FOUND, FORBIDDEN, INVALID (no such pull request is mirrored), CONFLICT (too many).
    """
    task = await access_task(tx, actor, task_id, change=True, lock=True)
    check_active_task(task)
    pull = await tx.find(
        _Pull,
        """
        select p.repository_id, p.number, p.state from github_repositories r
        join github_items p on p.org_id = r.org_id and p.repository_id = r.id and p.kind = 'pull_request'
        where r.org_id = %(org)s and lower(r.full_name) = lower(%(name)s) and p.number = %(number)s
          and p.deleted_at is null limit 1
        """,
        {"org": actor.org, "name": repository, "number": number},
    )
    if pull is None:
        raise INVALID(
            f"No pull request {repository}#{number} is known here. Its repository is mirrored by an owner or admin.",
            field="url",
        )
    values = {"id": new_id(), "org": actor.org, "task": task_id, "by": actor.id, "repository": pull.repository_id}
    count = await tx.value("select count(*) from github_links where org_id = %(org)s and task_id = %(task)s", values)
    if count >= MOST_LINKS:
        raise CONFLICT(f"A task is linked to at most {MOST_LINKS} pull requests.", field="url")
    await tx.run(
        """
        insert into github_links (id, org_id, repository_id, number, task_id, created_by)
        values (%(id)s, %(org)s, %(repository)s, %(number)s, %(task)s, %(by)s) on conflict do nothing
        """,
        values | {"number": number},
    )
    if pull.state == "merged" and task.status not in SETTLED:
        return await _complete(tx, actor, task_id)
    await show(tx, actor, task)
    return task


async def unlink_pull_request(tx: Tx, actor: Actor, task_id: UUID, repository_id: UUID, number: int) -> None:
    """Take a link that was made by hand away. Raises NOT_FOUND, FORBIDDEN, CONFLICT (deleted, or archived)."""
    task = await access_task(tx, actor, task_id, change=True)
    check_active_task(task)
    if not await tx.run(
        """
        delete from github_links where org_id = %(org)s and task_id = %(task)s and repository_id = %(repository)s
          and number = %(number)s
        """,
        {"org": actor.org, "task": task_id, "repository": repository_id, "number": number},
    ):
        raise NOT_FOUND(
            "No such pull request was linked by hand. One that says itself what it closes is changed there."
        )
    await show(tx, actor, task)


async def _complete(tx: Tx, actor: Actor, task_id: UUID) -> TaskDetail:
    before = await access_task(tx, actor, task_id)
    await write_task(
        tx, actor, task_id, words_of(before), moved(actor, standing_of(before), TaskChange(status=TaskStatus.COMPLETED))
    )
    now = await access_task(tx, actor, task_id)
    await tell_change(tx, actor, before, now, ["status"])
    return now
