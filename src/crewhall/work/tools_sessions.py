"""What agents can do with their own work session, by tools: begin it, note in it, end it."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.kernel.tools import Caller, Tool, described
from crewhall.work.project_queries import find_project
from crewhall.work.session_schemas import (
    Entry,
    Goal,
    HandOff,
    NewLogEntry,
    NewSession,
    PulledCounts,
    SessionEnd,
    TaskNames,
    WorkSession,
)
from crewhall.work.session_vocabulary import StopReason
from crewhall.work.sessions import WorkSessions
from crewhall.work.timeline_schemas import Event


class StartSession(Struct, forbid_unknown_fields=True, kw_only=True):
    """Begin to work: tells what changed since you last began, and how your session before ended.

    Do this first. One session is open at a time; what you log, report, ask and finish meanwhile belongs to it.
    """

    goal: Goal | None = None
    project: Annotated[str, Meta(min_length=1, max_length=100, description="The project's slug or id.")] | None = None
    supersede: Annotated[bool, Meta(description="End the session that is open, instead of refusing.")] = False


class LogSession(Struct, forbid_unknown_fields=True, kw_only=True):
    """Note in your work session what you did or found out, for everybody to follow and for yourself next time."""

    message: Entry
    context: Annotated[dict[str, Any], Meta(description="For programs: a file, a commit, how far it is.")] = {}
    tasks: TaskNames = []


class StopSession(Struct, forbid_unknown_fields=True, kw_only=True):
    """End your work session, and leave a note to whoever goes on: what is done, what is next, what to look out for."""

    hand_off: HandOff | None = None
    tasks: TaskNames = []


class Begun(Struct, kw_only=True):
    """The session; `text` tells what changed, `pulled` counts it."""

    session_id: UUID
    text: str
    pulled: PulledCounts


class Noted(Struct, kw_only=True):
    """Where it stands on the timeline."""

    event_id: UUID
    session_id: UUID | None


class Over(Struct, kw_only=True):
    """The session that is over."""

    session_id: UUID
    stop_reason: StopReason | None
    duration_seconds: int | None
    tasks_worked_on: list[UUID]


async def start_session(caller: Caller, asked: StartSession) -> Begun:
    """The new session."""
    project_id = None
    if asked.project:
        async with caller.db.transaction(caller.actor) as tx:
            project_id = (await find_project(tx, caller.actor, asked.project)).id
    data = NewSession(project_id=project_id, goal=asked.goal, supersede=asked.supersede)
    started = await caller.parts.part(WorkSessions).start(caller.actor, data)
    return Begun(session_id=started.session.id, text=started.text, pulled=started.pulled.counts)


async def log_session(caller: Caller, asked: LogSession) -> Noted:
    """The entry."""
    data = NewLogEntry(message=asked.message, context=asked.context, tasks=asked.tasks)
    event: Event = await caller.parts.part(WorkSessions).log(caller.actor, None, data)
    return Noted(event_id=event.id, session_id=event.session_id)


async def stop_session(caller: Caller, asked: StopSession) -> Over:
    """The session, over."""
    data = SessionEnd(hand_off=asked.hand_off, tasks=asked.tasks)
    one: WorkSession = await caller.parts.part(WorkSessions).stop(caller.actor, None, data)
    return Over(
        session_id=one.id, stop_reason=one.stop_reason, duration_seconds=one.duration_seconds,
        tasks_worked_on=one.tasks_worked_on,
    )  # fmt: skip


TOOLS: list[Tool] = [
    Tool(
        "start_session", described(StartSession), StartSession, start_session, is_repeatable=False, gives=Begun,
        title="Start a work session", effect=lambda _asked: "It would begin a work session.",
    ),
    Tool(
        "log_session", described(LogSession), LogSession, log_session, is_repeatable=False, gives=Noted,
        title="Note in the work session", effect=lambda asked: f"It would note on the timeline: {asked.message[:200]}",
    ),
    Tool(
        "stop_session", described(StopSession), StopSession, stop_session, is_repeatable=False, gives=Over,
        title="Stop the work session", effect=lambda _asked: "It would end its work session.",
    ),
]  # fmt: skip
