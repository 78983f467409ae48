"""What the database refuses about tasks, said so that somebody can do something about it."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.errors import CheckViolation, ForeignKeyViolation, UniqueViolation

from crewhall.kernel.errors import CONFLICT, INVALID, ErrorKind, define_error

STALE_TASK = define_error("stale_task", 409, "The task was changed meanwhile")
TASK_WAITS = define_error("task_waits", 409, "The task waits for others")
PROBATION = define_error("agent_on_probation", 409, "Not for an agent on probation")
NO_TASK = define_error("no_task", 404, "There is no task to take")
_KNOWN: dict[str, tuple[ErrorKind, str, str]] = {
    "tasks_step": (CONFLICT, "status", "It is settled: reopen it first."),
    "tasks_waits": (
        TASK_WAITS, "status", "It waits for other tasks. Finish them first, or take the dependency away."
    ),
    "tasks_assignee": (
        INVALID, "assignee", "This agent does not work on the project, or is inactive. Choose another."
    ),
    "tasks_probation": (
        PROBATION, "assignee", "This agent is on probation: it is given no critical task (P0). Choose another agent."
    ),
    "tasks_github_issue_id_key": (CONFLICT, "github_issue_id", "Another task of the project mirrors this issue."),
    "tasks_github_issue_number_key": (
        CONFLICT, "github_issue_number", "Another task of the project mirrors this issue."
    ),
    "task_dependencies_itself": (INVALID, "task_id", "A task does not wait for itself."),
    "task_dependencies_circle": (CONFLICT, "task_id", "They would wait for each other for ever."),
    "task_dependencies_project": (INVALID, "task_id", "Tasks depend on tasks of the same project."),
}  # fmt: skip


@contextmanager
def clear_refusals() -> Iterator[None]:
    """Turn the database's refusals into errors with a sentence. Raises what `_KNOWN` names."""
    try:
        yield
    except (CheckViolation, UniqueViolation, ForeignKeyViolation) as error:
        known = _KNOWN.get(error.diag.constraint_name or "")
        if known is None:
            raise
        kind, field, sentence = known
        raise kind(sentence, field=field) from error
