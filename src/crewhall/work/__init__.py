"""Work: projects, their tasks, and who does them. What other packages may use is exported here."""

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
)
from crewhall.work.lifecycle import subscribe_work
from crewhall.work.project_queries import access_project
from crewhall.work.task_queries import access_task, list_tasks
from crewhall.work.task_telling import TASKS_CHANNEL, TaskNotice, read_notice

__all__ = [
    "TASKS_CHANNEL",
    "ProjectArchived",
    "ProjectChanged",
    "ProjectCreated",
    "ProjectDeleted",
    "ProjectRestored",
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
    "access_project",
    "access_task",
    "list_tasks",
    "read_notice",
    "subscribe_work",
]
