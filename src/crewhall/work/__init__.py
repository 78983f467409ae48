"""Work: projects, their tasks, who does them, and what happened. What other packages may use is exported here."""

from crewhall.work.day import Waiting, WaitingCall
from crewhall.work.facts import (
    ProjectArchived,
    ProjectChanged,
    ProjectCreated,
    ProjectDeleted,
    ProjectRestored,
    TaskAssigned,
    TaskBlocked,
    TaskCancelled,
    TaskChanged,
    TaskCompleted,
    TaskCreated,
    TaskDeleted,
    TaskReopened,
    TaskRestored,
    TaskStarted,
    WorkSessionStarted,
    WorkSessionStopped,
)
from crewhall.work.kpis.rebuilding import rebuild as rebuild_kpis
from crewhall.work.lifecycle import WorkParts, start_work
from crewhall.work.project_queries import access_project
from crewhall.work.purging import KINDS, list_deleted
from crewhall.work.purging import purge as purge_deleted
from crewhall.work.session_settings import SessionSettings
from crewhall.work.sessions import WorkSessions
from crewhall.work.slash_task import SlashTask
from crewhall.work.task_queries import access_task, list_tasks
from crewhall.work.task_telling import TASKS_CHANNEL, TaskNotice, read_notice
from crewhall.work.timeline import CHANNEL as EVENTS_CHANNEL
from crewhall.work.timeline import Timeline, record_event
from crewhall.work.timeline_kinds import EventKind, register_event_kind

__all__ = [
    "EVENTS_CHANNEL",
    "KINDS",
    "TASKS_CHANNEL",
    "EventKind",
    "ProjectArchived",
    "ProjectChanged",
    "ProjectCreated",
    "ProjectDeleted",
    "ProjectRestored",
    "SessionSettings",
    "SlashTask",
    "TaskAssigned",
    "TaskBlocked",
    "TaskCancelled",
    "TaskChanged",
    "TaskCompleted",
    "TaskCreated",
    "TaskDeleted",
    "TaskNotice",
    "TaskReopened",
    "TaskRestored",
    "TaskStarted",
    "Timeline",
    "Waiting",
    "WaitingCall",
    "WorkParts",
    "WorkSessionStarted",
    "WorkSessionStopped",
    "WorkSessions",
    "access_project",
    "access_task",
    "list_deleted",
    "list_tasks",
    "purge_deleted",
    "read_notice",
    "rebuild_kpis",
    "record_event",
    "register_event_kind",
    "start_work",
]
