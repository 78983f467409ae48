"""Work sessions: an agent begins to work, is told what changed, notes what it does, stops; and a person's day."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.notifications import Notification
from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.tasks import Task
from crewhall.faces.sdk.timeline import TimelineEvent
from crewhall.faces.sdk.transport import Transport, as_body, join

MOST_SAID = 1000


class SessionProject(msgspec.Struct, frozen=True):
    """The project of a session."""

    id: str
    slug: str
    name: str


class WorkSession(msgspec.Struct, frozen=True, kw_only=True):
    """When an agent worked, and at what; open while `stopped_at` is None.

    `stop_reason` is stopped, crashed or superseded.
    """

    id: str
    agent: Author
    status: str
    started_at: datetime
    heard_at: datetime
    project: SessionProject | None = None
    goal: str | None = None
    stopped_at: datetime | None = None
    duration_seconds: int | None = None
    stop_reason: str | None = None
    stopped_by: Author | None = None
    hand_off: str | None = None
    log_count: int = 0
    tasks_worked_on: list[str] = []
    previous_id: str | None = None


class PulledCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How much there was, of which the lists name the first; `free`: tasks that one could take."""

    tasks: int = 0
    free: int = 0
    mentions: int = 0
    role_changes: int = 0
    questions: int = 0
    answers: int = 0
    knowledge: int = 0


class PulledTask(msgspec.Struct, frozen=True, kw_only=True):
    """An open task; `is_new` where it changed since the session before."""

    id: str
    name: str
    title: str
    status: str
    priority: str
    deadline: datetime | None = None
    waits_for: int = 0
    is_new: bool = False


class PulledMention(msgspec.Struct, frozen=True, kw_only=True):
    """A message that mentions the agent."""

    message_id: str
    conversation_id: str
    place: str
    author: Author
    text: str
    at: datetime
    link: str


class RoleChange(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's place changed."""

    who: Author
    what: str
    before: str | None = None
    after: str | None = None


class PulledEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A question, an answer, or a wiki entry, as the timeline tells of it."""

    id: str
    summary: str
    text: str
    at: datetime
    link: str


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """How the session before ended."""

    session_id: str
    stop_reason: str
    started_at: datetime
    stopped_at: datetime
    duration_seconds: int
    hand_off: str | None = None


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What a start told."""

    counts: PulledCounts
    since: datetime | None = None
    tasks: list[PulledTask] = []
    mentions: list[PulledMention] = []
    role_changes: list[RoleChange] = []


class WorkSessionDetail(WorkSession, frozen=True, kw_only=True):
    """A session with what its start told, and the tasks that were worked on."""

    pulled: Pulled
    tasks: list[PulledTask] = []
    metadata: dict[str, Any] = {}


class StartedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has begun, and what changed: as data, and as `text` to read."""

    session: WorkSession
    pulled: Pulled
    text: str
    questions: list[PulledEvent] = []
    answers: list[PulledEvent] = []
    knowledge: list[PulledEvent] = []
    handed_over: HandedOver | None = None


class AtWork(msgspec.Struct, frozen=True):
    """An agent with an open session, and the tasks that it has in progress."""

    session: WorkSession
    tasks: list[PulledTask]


class WaitingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of an agent that waits for a decision."""

    id: str
    agent: str
    tool: str
    effect: str
    expires_at: datetime


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's day holds: the first of each, and how many open tasks there are."""

    since: datetime
    open_tasks: int
    tasks: list[Task]
    mentions: list[Notification]
    approvals: list[WaitingCall]
    questions: list[TimelineEvent]
    at_work: list[AtWork]
    happened: list[TimelineEvent]


class Working:
    """A session that is under way; `told` is what changed since the one before."""

    def __init__(self, sessions: "WorkSessions", started: StartedSession) -> None:
        self._sessions = sessions
        self.id = started.session.id
        self.told = started
        self.hand_off: str | None = None

    async def log(self, message: str, **more: Any) -> TimelineEvent:
        """Note what was done. `more` as `WorkSessions.log` takes it."""
        return await self._sessions.log(self.id, message, **more)


class WorkSessions:
    """Work sessions of agents that one may see; an agent starts, logs and stops its own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, agent_id: str | None = None, project_id: str | None = None, show: str | None = None
    ) -> AsyncIterator[WorkSession]:
        """Give sessions, the newest first. `show`: open, over, stopped, crashed or superseded."""
        query = {"agent": agent_id, "project": project_id, "show": show}
        return walk(self._transport, "/sessions", Page[WorkSession], query)

    async def show(self, session_id: str) -> WorkSessionDetail:
        """Give one session."""
        return await self._transport.call("GET", join("sessions", session_id), WorkSessionDetail)

    async def current(self) -> WorkSession:
        """Give one's open session. Raises CrewhallApiError `no_session` where none is."""
        query = {"mine": "true", "show": "open"}
        found = (await self._transport.call("GET", "/sessions", Page[WorkSession], query=query)).items
        if not found:
            raise CrewhallApiError("no_session", 404, "You have no work session open. Start one.")
        return found[0]

    async def start(
        self,
        *,
        goal: str | None = None,
        project_id: str | None = None,
        supersede: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> StartedSession:
        """Begin to work. `session_open` while one is open, unless `supersede` ends it."""
        body = as_body(goal=goal, project_id=project_id, supersede=supersede, metadata=dict(metadata or {}))
        return await self._transport.call("POST", "/sessions", StartedSession, body=body)

    async def log(
        self, session_id: str, message: str, *, context: Mapping[str, Any] | None = None, tasks: Sequence[str] = ()
    ) -> TimelineEvent:
        """Note what was done; `tasks` by id or `project#12`."""
        body = {"message": message, "context": dict(context or {}), "tasks": [*tasks]}
        return await self._transport.call("POST", join("sessions", session_id, "log"), TimelineEvent, body=body)

    async def stop(self, session_id: str, *, hand_off: str | None = None, tasks: Sequence[str] = ()) -> WorkSession:
        """End a session, with a note for whoever goes on."""
        body = as_body(hand_off=hand_off, tasks=[*tasks])
        return await self._transport.call("POST", join("sessions", session_id, "stop"), WorkSession, body=body)

    @asynccontextmanager
    async def working(self, **how: Any) -> AsyncIterator[Working]:
        """Work within a session: it begins here and ends with the block, after an error with a note of it.

        Takes what `start` takes. Set `hand_off` of what it gives to leave a note.
        """
        under_way = Working(self, await self.start(**how))
        try:
            yield under_way
        except Exception as error:
            await self.stop(under_way.id, hand_off=under_way.hand_off or f"It ended by {error!r}."[:MOST_SAID])
            raise
        await self.stop(under_way.id, hand_off=under_way.hand_off)
