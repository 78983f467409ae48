"""A run as a picture: what it did one after the other, how long each took, where time and tokens went. Pure.

Places on the picture are in thousandths of the run's whole time.
"""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from crewhall.governance import money_in_words
from crewhall.runtime.schemas import Run, RunStep
from crewhall.runtime.summaries import KEYS
from crewhall.runtime.vocabulary import StepKind

WHOLE = 1000
LEAST = 4
"""How wide the shortest bar is: it must be seen."""


class Entry(Struct, kw_only=True):
    """Something that the run did. `kind` is wait, context, model, tool, post or failure.

    `asked` and `given` are the bodies of the two steps that it is made of (a request and its answer, a call and its
    result); of a single step `given` alone. Both are None for who may not see them.
    """

    kind: str
    title: str
    begin: datetime
    end: datetime
    input_tokens: int = 0
    output_tokens: int = 0
    cost: str | None = None
    is_going_on: bool = False
    is_failure: bool = False
    is_sealed: bool = False
    asked: dict[str, Any] | None = None
    given: dict[str, Any] | None = None
    at: int = 0
    width: int = 0

    @property
    def took(self) -> str:
        """How long it took, in words."""
        return in_words(self.end - self.begin)


def entries_of(run: Run, steps: list[RunStep], now: datetime) -> list[Entry]:
    """Return what the run did, in order, each with its place on the picture."""
    last = max([run.created_at, *(step.created_at for step in steps)])
    end = max(run.completed_at or now, last)
    found: list[Entry] = []
    if run.started_at is not None:
        found.append(Entry(kind="wait", title="Waited to begin", begin=run.created_at, end=run.started_at))
    pending: dict[tuple[str, str | None], RunStep] = {}
    for step in steps:
        if step.kind in {StepKind.REQUEST, StepKind.CALL}:
            pending[_pair(step)] = step
        else:
            before = found[-1].end if found else run.created_at
            found.append(_entry(step, pending.pop(_pair(step), None), before, run))
    found += [_unfinished(step, end, run) for step in pending.values()]
    return _placed(found, run.created_at, end)


def in_words(span: timedelta) -> str:
    """A length of time, as people say it."""
    return in_milliseconds(round(span.total_seconds() * 1000))


def in_milliseconds(ms: int) -> str:
    """So many milliseconds, as people say it."""
    if ms < WHOLE:
        return f"{ms} ms" if ms > 0 else "at once"
    seconds = ms / 1000
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _pair(step: RunStep) -> tuple[str, str | None]:
    return "tool" if step.kind in {StepKind.CALL, StepKind.RESULT} else "model", step.key


def _entry(step: RunStep, first: RunStep | None, before: datetime, run: Run) -> Entry:
    """The entry of a step that ends something."""
    begin = before
    if first is not None:
        begin = first.created_at
    elif step.duration_ms is not None:
        begin = step.created_at - timedelta(milliseconds=step.duration_ms)
    kind, title = _title(step, run)
    return Entry(
        kind=kind,
        title=title,
        begin=min(begin, step.created_at),
        end=step.created_at,
        input_tokens=step.input_tokens or 0,
        output_tokens=step.output_tokens or 0,
        cost=money_in_words(step.cost, step.currency) if step.cost and step.currency else None,
        is_failure=kind == "failure" or "error" in (step.body or {}),
        is_sealed=step.is_sealed or (first is not None and first.is_sealed),
        asked=first.body if first else None,
        given=step.body,
    )


def _title(step: RunStep, run: Run) -> tuple[str, str]:
    match step.kind:
        case StepKind.CONTEXT:
            return "context", "Read the conversation"
        case StepKind.SUMMARY:
            return "context", "Noted what came before"
        case StepKind.ANSWER if (step.key or "").startswith(KEYS):
            return "model", f"Had {run.model or 'its model'} sum up what came before"
        case StepKind.ANSWER:
            return "model", "Got its answer" if run.runtime_id else f"Asked {run.model or 'its model'}"
        case StepKind.RESULT:
            return "tool", f"Used {step.tool}"
        case StepKind.APPROVAL:
            return "approval", f"Asked to use {step.tool}"
        case StepKind.POST:
            return "post", "Posted the answer"
        case StepKind.FAILURE if step.key == "end":
            return "failure", "Ended without an answer"
        case StepKind.FAILURE:
            return "failure", f"Asked its {'webhook' if run.runtime_id else 'model'} in vain"
        case _:
            return str(step.kind), str(step.kind).capitalize()


def _unfinished(step: RunStep, end: datetime, run: Run) -> Entry:
    is_tool = step.kind is StepKind.CALL
    return Entry(
        kind="tool" if is_tool else "model",
        title=f"Uses {step.tool}" if is_tool else f"Asks {run.model or 'its model'}",
        begin=step.created_at,
        end=end,
        is_going_on=run.completed_at is None,
        asked=step.body,
    )


def _placed(entries: list[Entry], begin: datetime, end: datetime) -> list[Entry]:
    whole = max((end - begin).total_seconds(), 0.001)
    for entry in entries:
        at = (entry.begin - begin).total_seconds() / whole * WHOLE
        width = (entry.end - entry.begin).total_seconds() / whole * WHOLE
        entry.width = min(max(round(width), LEAST), WHOLE)
        entry.at = min(max(round(at), 0), WHOLE - entry.width)
    return entries
