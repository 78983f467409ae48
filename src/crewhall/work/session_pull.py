"""What changed since an agent last began to work: its tasks, mentions, questions, answers, the wiki.

A start goes back to the start before, not to its end: what came while the agent worked, and it did not see, would be
lost else. What was told then is not told again.
"""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from msgspec import Struct, field

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Params, Tx
from crewhall.notifications import count_mentions, list_mentions
from crewhall.work.questions import new_answers, open_questions
from crewhall.work.session_roles import Changed, Roles, differences, named
from crewhall.work.session_schemas import (
    MOST_MENTIONS,
    MOST_TASKS,
    Pulled,
    PulledCounts,
    PulledEvent,
    PulledMention,
    PulledTask,
    RoleChange,
)
from crewhall.work.timeline_queries import list_events
from crewhall.work.timeline_schemas import Event, Looked
from crewhall.work.timeline_shown import names_shown
from crewhall.work.timeline_vocabulary import EventType

FIRST = timedelta(days=30)
"""As far back as the first session of an agent looks, and as old as questions get that are told as open."""
OVERLAP = timedelta(minutes=1)
"""Notifications and events come a little after what they are about."""
MOST_EVENTS, MOST_FREE, EXCERPT = 50, 1000, 300
_OPEN: LiteralString = """
from tasks t join projects p on p.org_id = t.org_id and p.id = t.project_id
where t.org_id = %(org)s and t.assigned_agent_id = %(agent)s and t.status in ('assigned', 'in_progress', 'blocked')
  and t.deleted_at is null and not t.is_on_hold and t.project_id in (select readable_projects())
  and (%(project)s::uuid is null or t.project_id = %(project)s)
"""
TASK: LiteralString = """
select t.id, p.slug || '#' || t.number as name, t.title, t.status, t.priority, t.deadline, t.waits_for,
       coalesce(t.updated_at > %(since)s::timestamptz, false) as is_new
"""


class Kept(Struct, kw_only=True):
    """What a session keeps of it: numbers and ids. Whoever looks later sees what they may, as it reads then."""

    since: datetime | None = None
    counts: PulledCounts = field(default_factory=PulledCounts)
    tasks: list[UUID] = []
    mentions: list[UUID] = []
    role_changes: list[Changed] = []
    events: list[UUID] = []


class Found(Struct):
    """What a start found: what is kept of it, and the events, which are told once."""

    kept: Kept
    questions: list[PulledEvent]
    answers: list[PulledEvent]
    knowledge: list[PulledEvent]


class Before(Struct):
    """The session before: when it began, what it told, the roles that it found."""

    id: UUID
    started_at: datetime
    project_id: UUID | None
    pulled: Kept
    roles: Roles


async def pull(
    tx: Tx, agent: Actor, project_id: UUID | None, before: Before | None, roles: Roles, now: datetime
) -> Found:
    """Find what changed for the acting agent since the session before."""
    since = (before.started_at if before else now - FIRST) - OVERLAP
    told = before.pulled if before else Kept()
    values: Params = {"org": agent.org, "agent": agent.id, "project": project_id, "limit": MOST_TASKS}
    in_order: LiteralString = "select t.id" + _OPEN + " order by t.priority, t.deadline, t.id limit %(limit)s"
    tasks = await tx.values(in_order, values)
    mentions = await list_mentions(tx, since, told.mentions, MOST_MENTIONS)
    questions = await open_questions(tx, agent, now - FIRST, mention=agent.id)
    answers = _but(await new_answers(tx, agent, now - FIRST, since), told.events)
    knowledge = _but(await _new_entries(tx, agent, since), told.events)
    changes = _role_changes(before, roles, agent.id, project_id)
    counts = PulledCounts(
        tasks=await tx.value("select count(*)" + _OPEN, values),
        free=await _count_free(tx, agent, project_id),
        mentions=await count_mentions(tx, since, told.mentions),
        role_changes=len(changes),
        questions=len(questions),
        answers=len(answers),
        knowledge=len(knowledge),
    )
    events = [one.id for one in (*answers, *knowledge)]
    kept = Kept(
        since=before.started_at if before else None, counts=counts, tasks=tasks, mentions=mentions,
        role_changes=changes, events=events,
    )  # fmt: skip
    return Found(kept, _shown(questions), _shown(answers), _shown(knowledge))


async def show_pulled(tx: Tx, actor: Actor, kept: Kept) -> Pulled:
    """What a start told, as far as the actor may see it."""
    names = await names_shown(tx, {one.id for one in kept.role_changes})
    changes = [
        RoleChange(who=who, what=one.what, before=one.before, after=one.after)
        for who, one in named(kept.role_changes, names)
    ]
    return Pulled(
        since=kept.since, counts=kept.counts, tasks=await show_tasks(tx, actor, kept.tasks, kept.since),
        mentions=await _show_mentions(tx, actor, kept.mentions), role_changes=changes,
    )  # fmt: skip


async def show_tasks(tx: Tx, actor: Actor, ids: list[UUID], since: datetime | None = None) -> list[PulledTask]:
    """Tasks of these ids that the actor may see, in this order."""
    if not ids:
        return []
    sql: LiteralString = (
        TASK
        + """
        from unnest(%(ids)s::uuid[]) with ordinality as w (id, place) join tasks t on t.org_id = %(org)s and t.id = w.id
        join projects p on p.org_id = t.org_id and p.id = t.project_id
        where t.deleted_at is null and t.project_id in (select readable_projects()) order by w.place
        """
    )
    return await tx.all(PulledTask, sql, {"org": actor.org, "ids": ids, "since": since})


async def _show_mentions(tx: Tx, actor: Actor, ids: list[UUID]) -> list[PulledMention]:
    if not ids:
        return []
    return await tx.all(
        PulledMention,
        """
        select m.id as message_id, m.conversation_id,
               coalesce('#' || c.name, c.title, 'a direct conversation') as place,
               json_build_object('type', m.author_type, 'id', m.author_id, 'name', m.author_name) as author,
               left(m.content, %(excerpt)s) as text, m.created_at as at,
               '/c/' || m.conversation_id || '?at=' || m.seq as link
        from unnest(%(ids)s::uuid[]) with ordinality as w (id, place)
        cross join lateral (select n.* from messages n where n.id = w.id limit 1) m
        join conversations c on c.org_id = m.org_id and c.id = m.conversation_id
        where m.org_id = %(org)s and m.deleted_at is null and m.conversation_id in (select reachable_conversations())
        order by w.place
        """,
        {"org": actor.org, "ids": ids, "excerpt": EXCERPT},
    )


async def _new_entries(tx: Tx, agent: Actor, since: datetime) -> list[Event]:
    """What the wiki gained."""
    looked = Looked(types=(str(EventType.WIKI_CONTRIBUTION),), since=since)
    page = await list_events(tx, agent, looked, limit=MOST_EVENTS)
    return [one for one in page.items if one.content.get("status") == "approved"]


def _role_changes(before: Before | None, roles: Roles, agent_id: UUID, project_id: UUID | None) -> list[Changed]:
    """Who works on another project has other colleagues: of them only owners and admins are compared then."""
    if before is None or not before.roles.own:
        return []
    if before.project_id == project_id:
        return differences(before.roles, roles, agent_id)
    return differences(_leading(before.roles), _leading(roles), agent_id)


def _leading(roles: Roles) -> Roles:
    return Roles(roles.own, [one for one in roles.colleagues if one.type == "user" and one.role in {"owner", "admin"}])


async def _count_free(tx: Tx, agent: Actor, project_id: UUID | None) -> int:
    found: int = await tx.value(
        """
        select count(*) from (
            select from tasks t where t.org_id = %(org)s and t.deleted_at is null and t.status = 'backlog'
              and t.waits_for = 0 and not t.is_on_hold and t.project_id in (select readable_projects())
              and (%(project)s::uuid is null or t.project_id = %(project)s) limit %(most)s) f
        """,
        {"org": agent.org, "project": project_id, "most": MOST_FREE},
    )
    return found


def _but(events: list[Event], told: list[UUID]) -> list[Event]:
    return [one for one in events if one.id not in told]


def _shown(events: list[Event]) -> list[PulledEvent]:
    return [
        PulledEvent(id=one.id, summary=one.summary, text=one.text, at=one.timestamp, link=one.link) for one in events
    ]
