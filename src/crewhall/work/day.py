"""A person's day: what is to be done, what waits for them, who is at work on what, what happened."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Params, Tx
from crewhall.kernel.errors import FORBIDDEN
from crewhall.notifications import Notification, NotificationKind, list_notifications
from crewhall.work.questions import open_questions
from crewhall.work.session_pull import TASK
from crewhall.work.session_queries import list_sessions
from crewhall.work.session_schemas import PulledTask, WorkSession
from crewhall.work.session_vocabulary import SessionShow
from crewhall.work.task_queries import list_tasks
from crewhall.work.task_schemas import Task
from crewhall.work.timeline_kinds import event_kinds
from crewhall.work.timeline_queries import check_looked, list_events
from crewhall.work.timeline_schemas import Event, Looked
from crewhall.work.timeline_vocabulary import EventType
from crewhall.work.vocabulary import TaskStatus

MOST, MOST_AT_WORK, MOST_EVENTS = 10, 20, 15
QUESTIONS_DAYS = 7
OPEN = [TaskStatus.ASSIGNED, TaskStatus.IN_PROGRESS, TaskStatus.BLOCKED]


class WaitingCall(Struct, kw_only=True):
    """A call of an agent that waits for the caller's decision."""

    id: UUID
    agent: str
    tool: str
    effect: str
    expires_at: datetime


class Waiting(Struct, frozen=True):
    """`find(tx, actor, most)` gives the calls that wait for somebody: the turn engine knows them, and comes later."""

    find: Callable[[Tx, Actor, int], Awaitable[list[WaitingCall]]]


class AtWork(Struct, kw_only=True):
    """An agent with an open session, and the tasks that it has in progress."""

    session: WorkSession
    tasks: list[PulledTask]


class Day(Struct, kw_only=True):
    """What a person's day holds: the first of each, and how many open tasks there are.

    `questions`: of the last seven days, without an answer; those to the caller come first. `happened`: since then.
    """

    since: datetime
    open_tasks: int
    tasks: list[Task]
    mentions: list[Notification]
    approvals: list[WaitingCall]
    questions: list[Event]
    at_work: list[AtWork]
    happened: list[Event]


class _AgentsTask(PulledTask, kw_only=True):
    agent_id: UUID


async def read_day(tx: Tx, actor: Actor, waiting: Waiting, since: datetime | None = None) -> Day:
    """Read the day of the acting person; `since`: of what happened, a day ago unless told. FORBIDDEN, INVALID."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("People have a day. An agent starts a work session: POST /sessions tells what there is for it.")
    now = utc_now()
    since = since or now - timedelta(days=1)
    check_looked(Looked(since=since))
    types = tuple(
        kind.name for kind in event_kinds() if kind.group != "sessions" and kind.name != EventType.KPI_UPDATED
    )
    tasks = await list_tasks(tx, actor, assignee=actor.id, status=OPEN, limit=MOST)
    mentions = await list_notifications(tx, actor, kind=NotificationKind.MENTION, unread=True, limit=MOST)
    asked = await open_questions(tx, actor, now - timedelta(days=QUESTIONS_DAYS))
    happened = await list_events(tx, actor, Looked(types=types, since=since), limit=MOST_EVENTS)
    return Day(
        since=since, open_tasks=await _count_open(tx, actor), tasks=tasks.items, mentions=mentions.items,
        approvals=await waiting.find(tx, actor, MOST),
        questions=sorted(asked, key=lambda one: all(who.id != actor.id for who in one.mentions))[:MOST],
        at_work=await find_at_work(tx, actor), happened=happened.items,
    )  # fmt: skip


async def find_at_work(tx: Tx, actor: Actor) -> list[AtWork]:
    """The agents that have a session open, the latest first, each with the tasks that it has in progress."""
    sessions = (await list_sessions(tx, actor, show=SessionShow.OPEN, limit=MOST_AT_WORK)).items
    sql: LiteralString = (
        TASK
        + """, t.assigned_agent_id as agent_id
        from tasks t join projects p on p.org_id = t.org_id and p.id = t.project_id
        where t.org_id = %(org)s and t.assigned_agent_id = any (%(agents)s) and t.status = 'in_progress'
          and t.deleted_at is null and t.project_id in (select readable_projects())
        order by t.priority, t.deadline, t.id limit 100
        """
    )
    agents = [one.agent.id for one in sessions]
    values: Params = {"org": actor.org, "agents": agents, "since": None}
    tasks = await tx.all(_AgentsTask, sql, values) if agents else []
    return [AtWork(session=one, tasks=[task for task in tasks if task.agent_id == one.agent.id]) for one in sessions]


async def _count_open(tx: Tx, actor: Actor) -> int:
    found: int = await tx.value(
        """
        select count(*) from tasks t where t.org_id = %(org)s and t.assigned_user_id = %(me)s
          and t.status in ('assigned', 'in_progress', 'blocked') and t.deleted_at is null
          and t.project_id in (select readable_projects())
        """,
        {"org": actor.org, "me": actor.id},
    )
    return found
