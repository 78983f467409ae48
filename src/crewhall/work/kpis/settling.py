"""News becomes evidence: what holds now of each thing that news is about, compared with what stood.

What follows from a thing is worked out anew from tasks and the mirror as they are (`evidence_of_…` of the schema), so
that neither the order of news nor how often it came makes a difference. Needs the organization's lock.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.db import Tx
from crewhall.work.kpis.noting import note
from crewhall.work.kpis.vocabulary import EvidenceKind, NewsKind
from crewhall.work.timeline_vocabulary import Verdict

BATCH = 200
"""News of one transaction."""
_TAKE: LiteralString = """
with taken as (
    select id from kpi_news where org_id = %(org)s and kind not in ('request', 'trust') order by id limit %(size)s)
delete from kpi_news n using taken t where n.id = t.id and n.org_id = %(org)s
returning n.id, n.kind, n.subject, n.agent_id, n.detail, n.created_at
"""
_CONCERNS: LiteralString = """
select c.kind, c.number
from mirror_concerns(%(subject)s::uuid, %(kind)s::text, %(number)s::integer, %(sha)s::text, %(ref)s::text) c
"""
_PULLS: LiteralString = "select settle_pulls(%(repository)s::uuid, %(numbers)s::integer[])"
_ISSUES: LiteralString = """
select settle_evidence('issue:' || %(repository)s::text || ':' || i.number,
    array(select e from evidence_of_issue(%(repository)s::uuid, i.number) e))
from unnest(%(numbers)s::integer[]) as i (number)
"""
# what nobody may do while its project is archived or deleted counts for nobody as left undone
_TASK: LiteralString = """
select settle_evidence('task:' || %(task)s::text, array(
    select e from evidence_of_task(%(task)s::uuid, %(told)s) e
    where e.kind <> 'task_assigned' or exists (
        select from tasks t where t.org_id = (select (current_orgs())[1]) and t.id = %(task)s::uuid
          and (t.status = 'completed' or not t.is_on_hold))))
"""
_ADD: LiteralString = """
insert into kpi_evidence (org_id, agent_id, kind, about, subject, value, at)
select %(org)s, a.id, %(kind)s, %(about)s, %(subject)s, %(value)s, %(at)s from agents a
where a.org_id = %(org)s and a.id = %(agent)s and a.deleted_at is null
  and (%(again)s or not exists (
      select from kpi_evidence e where e.org_id = %(org)s and e.about = %(about)s and e.agent_id = a.id
        and e.kind = %(kind)s))
"""
_CAUSES: LiteralString = """
select 'task:' || t.id from tasks t where t.org_id = %(org)s and t.id = %(task)s::uuid
union all
select 'github:' || r.id || ':' || t.github_issue_number from tasks t
join github_repositories r on r.org_id = t.org_id and r.project_id = t.project_id
where t.org_id = %(org)s and t.id = %(task)s::uuid and t.github_issue_number is not null
"""
_BUGS: LiteralString = """
select distinct e.about from kpi_evidence e where e.org_id = %(org)s and e.cause = any (%(causes)s)
"""
_COMPLETED_BY: LiteralString = """
select e.agent_id from kpi_evidence e
where e.org_id = %(org)s and e.about = 'task:' || %(task)s::text and e.kind = 'task_completed'
group by e.agent_id having sum(e.amount) > 0
"""
_IS_OURS: LiteralString = """
select exists (select from tasks where org_id = %(org)s and id = %(task)s::uuid and github_issue_number is null
               and not (created_by_type = 'agent' and created_by = %(agent)s))
"""
_WRITTEN: LiteralString = """
select id::text as id, created_at from tasks where org_id = %(org)s and id = any (%(tasks)s::uuid[])
"""
_ASK: LiteralString = """
select p.agent from unnest(%(agents)s::uuid[]) as p (agent)
where not exists (select from kpi_news n where n.org_id = %(org)s and n.agent_id = p.agent and n.kind = 'request')
"""


class News(Struct):
    """What is to be looked at."""

    id: UUID
    kind: NewsKind
    subject: str
    agent_id: UUID | None
    detail: dict[str, Any]
    created_at: datetime


class Numbered(Struct, frozen=True):
    """A pull request or an issue of a repository."""

    kind: str
    repository: str
    number: int


class _Concern(Struct):
    kind: str
    number: int


class Settling:
    """One turn: the news of an organization, and for whom it changed anything."""

    def __init__(self, tx: Tx, org_id: UUID) -> None:
        self._tx = tx
        self._org = org_id
        self._agents: set[UUID] = set()
        self._tasks: dict[str, datetime] = {}
        self._numbered: set[Numbered] = set()
        self._causes: set[str] = set()
        self._completed: dict[str, UUID] = {}

    async def turn(self) -> int:
        """Settle the next news, and ask for the figures of the agents whom it concerns; gives how many there were."""
        found = await self._tx.all(News, _TAKE, {"org": self._org, "size": BATCH})
        for one in sorted(found, key=lambda news: news.id):
            await self._read(one)
        for task in self._tasks:
            await self._follow_task(task)
        await self._settle(self._numbered, self._tasks)
        self._causes |= {f"github:{thing.repository}:{thing.number}" for thing in self._numbered}
        await self._settle_bugs()
        values = {"org": self._org, "agents": sorted(self._agents)}
        for agent in await self._tx.values(_ASK, values):
            await note(self._tx, self._org, NewsKind.REQUEST, agent, agent_id=agent, wait_s=0)
        return len(found)

    async def _read(self, one: News) -> None:
        if one.kind is NewsKind.TASK:
            if one.detail.get("is_reopened"):
                await self._reopen(one)
            self._tasks.setdefault(one.subject, one.created_at)
            if by := one.detail.get("completed_by"):
                self._completed[one.subject] = UUID(by)
        elif one.kind is NewsKind.MIRROR:
            concerns = await self._tx.all(_Concern, _CONCERNS, {"subject": one.subject, **one.detail})
            self._numbered |= {Numbered(concern.kind, one.subject, concern.number) for concern in concerns}
        elif one.kind is NewsKind.REVIEW:
            await self._review(one)
        elif one.kind is NewsKind.METRIC and one.agent_id is not None:
            await self._add(one.agent_id, EvidenceKind.METRIC, f"metric:{one.subject}", one, again=True)

    async def _reopen(self, one: News) -> None:
        """What was called done and was not counts as a bug of who did it, once for each task.

        Of an issue's task it does not: the mirror may never have been told that an issue was open in between.
        """
        values = {"org": self._org, "task": one.subject}
        by = self._completed.pop(one.subject, None) or await self._tx.value(_COMPLETED_BY, values)
        if by is not None and await self._tx.value(_IS_OURS, values | {"agent": by}):
            await self._add(by, EvidenceKind.BUG, f"reopened:{one.subject}", one)

    async def _review(self, one: News) -> None:
        """A verdict on the timeline: the first on a title may be an approval at the first review."""
        verdict = Verdict(one.detail["verdict"])
        about = "reviewed:" + sha256(one.detail["title"].strip().lower().encode()).hexdigest()
        for agent in map(UUID, one.detail["agents"]):
            values = {"org": self._org, "about": about, "agent": agent}
            is_first = not await self._tx.value(
                """
                select exists (select from kpi_evidence where org_id = %(org)s and about = %(about)s
                               and agent_id = %(agent)s)
                """,
                values,
            )
            if verdict is Verdict.APPROVED:
                if is_first:
                    await self._add(agent, EvidenceKind.APPROVED_FIRST, about, one)
                await self._add(agent, EvidenceKind.APPROVED, about, one, again=True)
            elif verdict is Verdict.CHANGES_REQUESTED:
                await self._add(agent, EvidenceKind.CHANGES_REQUESTED, about, one, again=True)

    async def _add(self, agent: UUID, kind: EvidenceKind, about: str, one: News, *, again: bool = False) -> None:
        values = {
            "org": self._org, "agent": agent, "kind": str(kind), "about": about, "subject": one.subject,
            "value": one.detail.get("value"), "at": one.created_at, "again": again,
        }  # fmt: skip
        if await self._tx.run(_ADD, values):
            self._agents.add(agent)

    async def _follow_task(self, task: str) -> None:
        """Whose a task is says whose the pull requests are that close it, and whose the bugs are that it caused."""
        values = {"org": self._org, "task": task}
        self._causes |= set(await self._tx.values(_CAUSES, values))
        pulls = await self._tx.all(
            Numbered,
            "select 'pull' as kind, p.repository_id::text as repository, p.number from pulls_closing(%(task)s::uuid) p",
            values,
        )
        self._numbered |= set(pulls)

    async def _settle(self, numbered: Iterable[Numbered], tasks: dict[str, datetime]) -> None:
        places: dict[tuple[str, str], list[int]] = defaultdict(list)
        for one in numbered:
            places[one.kind, one.repository].append(one.number)
        for (kind, repository), numbers in places.items():  # one statement for all of a repository
            values = {"repository": repository, "numbers": sorted(numbers)}
            self._agents |= set(await self._tx.values(_PULLS if kind == "pull" else _ISSUES, values))
        for task, told in tasks.items():
            self._agents |= set(await self._tx.values(_TASK, {"task": task, "told": told}))

    async def _settle_bugs(self) -> None:
        """Bugs of what was settled are whose that is now."""
        if not self._causes:
            return
        abouts = await self._tx.values(_BUGS, {"org": self._org, "causes": sorted(self._causes)})
        parts = [about.split(":") for about in abouts]
        issues = {Numbered("issue", part[1], int(part[2])) for part in parts if part[0] == "issue"}
        tasks = [part[1] for part in parts if part[0] == "task" and part[1] not in self._tasks]
        await self._settle(issues - self._numbered, await self._told(tasks))

    async def _told(self, tasks: list[str]) -> dict[str, datetime]:
        """Bugs that are tasks: when they were written."""
        found = await self._tx.all(_Written, _WRITTEN, {"org": self._org, "tasks": tasks})
        return {one.id: one.created_at for one in found}


class _Written(Struct):
    id: str
    created_at: datetime
