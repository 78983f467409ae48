"""Work sessions written: begun, noted in, ended. One is open per agent, which the database holds."""

from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.agents import AgentStatus, access_agent
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Params, Tx
from crewhall.kernel.errors import FORBIDDEN, INVALID
from crewhall.kernel.events import publish
from crewhall.kernel.ids import new_id
from crewhall.kernel.limits import RateLimit, RateLimiter
from crewhall.work.facts import WorkSessionStarted
from crewhall.work.project_queries import access_project, check_active
from crewhall.work.session_ending import SESSIONS_CHANNEL, end_session
from crewhall.work.session_pull import Before, Found, Kept, pull, show_pulled, show_tasks
from crewhall.work.session_queries import access_session, find_open_session
from crewhall.work.session_refusals import NO_SESSION, SESSION_FULL, SESSION_OPEN, SESSION_STOPPED
from crewhall.work.session_roles import read_roles
from crewhall.work.session_schemas import (
    MOST_LOGGED,
    HandedOver,
    NewLogEntry,
    NewSession,
    SessionEnd,
    StartedSession,
    WorkSession,
    WorkSessionDetail,
)
from crewhall.work.session_tasks import note_tasks
from crewhall.work.session_vocabulary import StopReason
from crewhall.work.session_words import told
from crewhall.work.task_queries import find_task
from crewhall.work.timeline import check_metadata, check_storable, record_event
from crewhall.work.timeline_content import PulledUpdates, SessionLogged, SessionStarted
from crewhall.work.timeline_queries import get_event
from crewhall.work.timeline_schemas import Event

MAX_CONTEXT_BYTES = 8 * 1024
LIMIT = RateLimit("work sessions", burst=60, per_second=5)
_AWAY = frozenset({AgentStatus.INACTIVE, AgentStatus.TERMINATED})
_INSERT: LiteralString = """
insert into work_sessions (id, org_id, agent_id, project_id, previous_id, goal, silent_at, pulled, roles, metadata)
values (%(id)s, %(org)s, %(agent)s, %(project)s, %(previous)s, %(goal)s, clock_timestamp() + %(silence)s, %(pulled)s,
        %(roles)s, %(metadata)s)
"""
_BEFORE: LiteralString = """
select s.id, s.started_at, s.project_id, s.pulled, s.roles from work_sessions s
where s.org_id = %(org)s and s.agent_id = %(agent)s order by s.started_at desc, s.id desc limit 1
"""


class WorkSessions:
    """What agents do with their sessions, and people who look after them. `silence`: see `session_clock`."""

    def __init__(self, db: Database, limiter: RateLimiter, silence: timedelta) -> None:
        self._db = db
        self._limiter = limiter
        self._silence = silence

    async def start(self, actor: Actor, data: NewSession) -> StartedSession:
        """Begin to work, and tell what changed since the session before.

        Raises FORBIDDEN (a person), NOT_FOUND, CONFLICT (the project is archived), INVALID, TOO_MANY_REQUESTS,
        SESSION_OPEN unless the open one is to be superseded.
        """
        self._admit(actor)
        check_metadata(data.metadata)
        async with self._db.transaction(actor) as tx:
            agent = await access_agent(tx, actor, actor.id, lock=True)
            if agent.status in _AWAY:
                raise FORBIDDEN("An agent that is put away does not work.")
            project_id = data.project_id or agent.project_id
            if project_id is not None:
                check_active(await access_project(tx, actor, project_id))
            await _make_room(tx, actor, supersede=data.supersede)
            return await self._begin(tx, actor, data, project_id)

    async def log(self, actor: Actor, session_id: UUID | None, data: NewLogEntry) -> Event:
        """Note something in one's open session; None: whichever is open.

        Raises NOT_FOUND, FORBIDDEN, NO_SESSION, SESSION_STOPPED, SESSION_FULL, INVALID, TOO_MANY_REQUESTS.
        """
        self._admit(actor)
        _check_context(data.context)
        async with self._db.transaction(actor) as tx:
            session = await _own(tx, actor, session_id)
            tasks = [(await find_task(tx, actor, name)).id for name in data.tasks]
            if not await _count(tx, actor, session.id):
                raise SESSION_FULL(
                    f"A session's log holds {MOST_LOGGED:,} entries. Stop it, and start another.", session_id=session.id
                )
            await note_tasks(tx, actor, tasks)
            content = SessionLogged(message=data.message, context=data.context)
            event_id = await record_event(
                tx, actor.org, content, author=actor, session_id=session.id,
                project_id=session.project.id if session.project else None,
            )  # fmt: skip
            return await get_event(tx, actor, event_id)

    async def stop(self, actor: Actor, session_id: UUID | None, data: SessionEnd) -> WorkSession:
        """End a session: one's own, or that of an agent that one looks after. None: one's own that is open.

        Raises NOT_FOUND, FORBIDDEN, NO_SESSION, SESSION_STOPPED, TOO_MANY_REQUESTS.
        """
        self._limiter.check(LIMIT, actor.id)
        async with self._db.transaction(actor) as tx:
            if actor.type is ActorType.AGENT:
                session = await _own(tx, actor, session_id)
                await note_tasks(tx, actor, [(await find_task(tx, actor, name)).id for name in data.tasks])
            else:
                session = await _anothers(tx, actor, session_id)
            if not await end_session(tx, actor, session.id, StopReason.STOPPED, hand_off=data.hand_off):
                raise _stopped(session)
            return await access_session(tx, actor, session.id)

    async def show(self, actor: Actor, session_id: UUID) -> WorkSessionDetail:
        """A session, what its start told, and the tasks that were worked on. Raises NOT_FOUND."""
        async with self._db.transaction(actor) as tx:
            session = await access_session(tx, actor, session_id)
            return await detail(tx, actor, session)

    def _admit(self, actor: Actor) -> None:
        _check_agent(actor)
        check_permission(actor, Permission.TASKS_WRITE)
        self._limiter.check(LIMIT, actor.id)

    async def _begin(self, tx: Tx, actor: Actor, data: NewSession, project_id: UUID | None) -> StartedSession:
        before = await tx.find(Before, _BEFORE, {"org": actor.org, "agent": actor.id})
        roles = await read_roles(tx, actor.id, project_id)
        found = await pull(tx, actor, project_id, before, roles, utc_now())
        values: Params = {
            "id": new_id(), "org": actor.org, "agent": actor.id, "project": project_id, "goal": data.goal,
            "previous": before.id if before else None, "silence": self._silence, "metadata": Jsonb(data.metadata),
            "pulled": Jsonb(msgspec.to_builtins(found.kept)), "roles": Jsonb(msgspec.to_builtins(roles)),
        }  # fmt: skip
        await tx.run(_INSERT, values)
        session = await access_session(tx, actor, values["id"])
        await _tell_started(tx, actor, session, found.kept)
        return await _started(tx, actor, session, found)


async def detail(tx: Tx, actor: Actor, session: WorkSession) -> WorkSessionDetail:
    """A session with what belongs to it, as far as the actor may see it."""
    values: Params = {"org": actor.org, "id": session.id}
    kept = await tx.value("select pulled from work_sessions where org_id = %(org)s and id = %(id)s", values)
    metadata = await tx.value("select metadata from work_sessions where org_id = %(org)s and id = %(id)s", values)
    return WorkSessionDetail(
        **{name: getattr(session, name) for name in WorkSession.__struct_fields__},
        tasks=await show_tasks(tx, actor, session.tasks_worked_on),
        pulled=await show_pulled(tx, actor, msgspec.convert(kept, Kept)), metadata=metadata,
    )  # fmt: skip


def _check_agent(actor: Actor) -> None:
    if actor.type is not ActorType.AGENT:
        raise FORBIDDEN("Only agents have work sessions. What you have to do stands in your day: GET /day.")


async def _make_room(tx: Tx, actor: Actor, *, supersede: bool) -> None:
    """End the open session where that is asked for, else refuse."""
    found = await find_open_session(tx, actor, actor.id)
    if found is None:
        return
    if not supersede:
        raise SESSION_OPEN(
            "You have a work session open. Go on with it, stop it, or start with `supersede` to end it.",
            session_id=found.id, started_at=found.started_at,
        )  # fmt: skip
    await end_session(tx, actor, found.id, StopReason.SUPERSEDED)


async def _own(tx: Tx, actor: Actor, session_id: UUID | None) -> WorkSession:
    """The acting agent's open session: that one, if it is named."""
    if session_id is None:
        found = await find_open_session(tx, actor, actor.id)
        if found is None:
            raise NO_SESSION("You have no work session open. Start one.")
        return found
    session = await access_session(tx, actor, session_id)
    if session.agent.id != actor.id:
        raise FORBIDDEN(f"This is a session of {session.agent.name}: only that agent writes in it.")
    if session.stopped_at is not None:
        raise _stopped(session)
    return session


async def _anothers(tx: Tx, actor: Actor, session_id: UUID | None) -> WorkSession:
    if session_id is None:
        raise INVALID("Say which session to end.", field="session_id")
    session = await access_session(tx, actor, session_id)
    await access_agent(tx, actor, session.agent.id, "update")
    if session.stopped_at is not None:
        raise _stopped(session)
    return session


def _stopped(session: WorkSession) -> Exception:
    return SESSION_STOPPED("This work session is over, and stays as it is. Start another.", session_id=session.id)


async def _count(tx: Tx, actor: Actor, session_id: UUID) -> bool:
    """Count an entry; False where there is no room for it."""
    return bool(
        await tx.run(
            """
            update work_sessions set log_count = log_count + 1, status = 'logging', heard_at = clock_timestamp()
            where org_id = %(org)s and id = %(id)s and stopped_at is null and log_count < %(most)s
            """,
            {"org": actor.org, "id": session_id, "most": MOST_LOGGED},
        )
    )


def _check_context(context: dict[str, Any]) -> None:
    check_storable(context, "context")
    if len(msgspec.json.encode(context)) > MAX_CONTEXT_BYTES:
        raise INVALID(f"context has at most {MAX_CONTEXT_BYTES // 1024} KiB of JSON.", field="context")


async def _tell_started(tx: Tx, actor: Actor, session: WorkSession, kept: Kept) -> None:
    counts, project_id = kept.counts, session.project.id if session.project else None
    updates = PulledUpdates(
        tasks=counts.tasks, messages=counts.mentions, role_changes=counts.role_changes, questions=counts.questions
    )
    content = SessionStarted(pulled_updates=updates, goal=session.goal)
    await record_event(tx, actor.org, content, author=actor, session_id=session.id, project_id=project_id)
    await publish(
        tx, actor,
        WorkSessionStarted(
            session_id=session.id, org_id=actor.org, agent_id=actor.id, project_id=project_id,
            started_at=session.started_at,
        ),
    )  # fmt: skip
    await tx.notify(SESSIONS_CHANNEL, str(actor.org))


async def _started(tx: Tx, actor: Actor, session: WorkSession, found: Found) -> StartedSession:
    started = StartedSession(
        session=session, pulled=await show_pulled(tx, actor, found.kept), questions=found.questions,
        answers=found.answers, knowledge=found.knowledge, handed_over=await _handed_over(tx, session), text="",
    )  # fmt: skip
    started.text = told(started)
    return started


async def _handed_over(tx: Tx, session: WorkSession) -> HandedOver | None:
    return await tx.find(
        HandedOver,
        """
        select s.id as session_id, s.stop_reason, s.started_at, s.stopped_at, s.duration_seconds, s.hand_off
        from work_sessions s where s.org_id = any (current_orgs()) and s.id = %(id)s and s.stopped_at is not null
        """,
        {"id": session.previous_id},
    )
