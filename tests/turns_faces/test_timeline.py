"""A run as a picture: what stands where, and how wide."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.actor import ActorType
from crewhall.kernel.ids import new_id
from crewhall.runtime.explanations import what_it_answers
from crewhall.runtime.schemas import Run, RunAgent, RunAuthor, RunPlace, RunStep
from crewhall.runtime.timeline import WHOLE, Entry, entries_of, in_words
from crewhall.runtime.vocabulary import Cause, RunStatus, StepKind

BEGIN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def run(started: float | None = 1, completed: float | None = 10) -> Run:
    person = new_id()
    return Run(
        id=new_id(), conversation=RunPlace(new_id(), "group", None, "Circle"),
        agent=RunAgent(new_id(), "scout", "Scout"),
        status=RunStatus.RUNNING if completed is None else RunStatus.SUCCEEDED, cause=Cause.MENTION,
        author=RunAuthor(ActorType.USER, person, "Ada"), exchange_id=new_id(), message_id=None, message_seq=None,
        parent_id=None, prompt=None, answer_id=None, answer_seq=None, is_remote=False, runtime_id=None, attempt=1,
        waits=0, seen_seq=None, model="lab:owl", requests=1, input_tokens=0, cached_tokens=0, output_tokens=0,
        cost=None, currency=None, price_id=None, reason=None, detail=None, cancel_requested_at=None,
        canceled_by=None, waits_for=None, created_at=BEGIN, started_at=None if started is None else at(started),
        completed_at=None if completed is None else at(completed), updated_at=BEGIN,
    )  # fmt: skip


def step(kind: StepKind, when: float, key: str | None = None, **fields: Any) -> RunStep:
    none = ("tool", "input_tokens", "output_tokens", "cost", "currency", "duration_ms", "body")
    values: dict[str, Any] = dict.fromkeys(none) | fields
    return RunStep(ordinal=0, attempt=1, kind=kind, key=key, created_at=at(when), **values)


WHOLE_TURN = [
    step(StepKind.CONTEXT, 2),
    step(StepKind.REQUEST, 2, "1"),
    step(StepKind.ANSWER, 5, "1", input_tokens=40, output_tokens=6),
    step(StepKind.CALL, 5, "1:a", tool="search"),
    step(StepKind.RESULT, 6, "1:a", tool="search"),
    step(StepKind.REQUEST, 6, "2"),
    step(StepKind.ANSWER, 9.5, "2"),
    step(StepKind.POST, 10),
]


def shown(entries: list[Entry]) -> list[tuple[str, int, int]]:
    return [(entry.title, entry.at, entry.width) for entry in entries]


def test_what_belongs_together_is_one_bar_at_its_time():
    assert shown(entries_of(run(), WHOLE_TURN, at(99))) == [
        ("Waited to begin", 0, 100),
        ("Read the conversation", 100, 100),
        ("Asked lab:owl", 200, 300),
        ("Used search", 500, 100),
        ("Asked lab:owl", 600, 350),
        ("Posted the answer", 950, 50),
    ]


def test_the_tokens_stand_at_the_request_that_took_them():
    entry = entries_of(run(), WHOLE_TURN, at(99))[2]
    assert (entry.kind, entry.input_tokens, entry.output_tokens, entry.took) == ("model", 40, 6, "3.0 s")


def test_what_is_not_finished_goes_on_until_now():
    entries = entries_of(run(completed=None), WHOLE_TURN[:6], at(20))
    assert shown(entries)[-1] == ("Asks lab:owl", 300, 700)
    assert entries[-1].is_going_on
    assert not any(entry.is_going_on for entry in entries[:-1])


def test_a_request_in_vain_is_a_failure_and_is_asked_again():
    steps = [
        step(StepKind.REQUEST, 2, "1"),
        step(StepKind.FAILURE, 3, "1", duration_ms=1000),
        step(StepKind.REQUEST, 4, "1"),
        step(StepKind.ANSWER, 5, "1"),
    ]
    entries = entries_of(run(), steps, at(99))
    assert [(entry.title, entry.is_failure) for entry in entries[1:]] == [
        ("Asked its model in vain", True), ("Asked lab:owl", False),
    ]  # fmt: skip
    assert entries[2].at == 400


def test_the_shortest_is_seen_and_nothing_leaves_the_picture():
    entries = entries_of(run(completed=1000), [step(StepKind.POST, 1000)], at(1000))
    assert all(entry.width >= 4 for entry in entries)
    assert all(entry.at + entry.width <= WHOLE for entry in entries)


@given(
    moments=st.lists(st.floats(0, 60), min_size=1, max_size=12),
    kinds=st.lists(st.sampled_from(StepKind), min_size=12, max_size=12),
    completed=st.one_of(st.none(), st.floats(0, 60)),
)
def test_any_journal_has_a_picture(moments: list[float], kinds: list[StepKind], completed: float | None):
    steps = [
        step(kind, when, str(number % 3))
        for number, (when, kind) in enumerate(zip(sorted(moments), kinds, strict=False))
    ]
    for entry in entries_of(run(0, completed), steps, at(60)):
        assert 0 <= entry.at <= entry.at + entry.width <= WHOLE
        assert entry.begin <= entry.end
        assert entry.took


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "at once"), (0.04, "40 ms"), (0.9996, "1.0 s"), (12.34, "12.3 s"), (61, "1 min 1 s"), (3600, "60 min 0 s")],
)
def test_lengths_of_time_in_words(seconds: float, words: str):
    assert in_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("status", "reason", "count", "words"),
    [
        ("succeeded", "answered", 3, "It answers 3 messages together"),
        ("succeeded", "silent", 2, "It was to answer 2 messages together"),
        ("canceled", "canceled", 3, "It was to answer 3 messages together"),
        ("failed", "model_failed", 50, "It was to answer 50 messages together"),
        ("queued", None, 51, "It is to answer more than 50 messages together"),
    ],
)
def test_a_turn_answers_what_it_was_for_only_once_it_has_answered(status: str, reason: str, count: int, words: str):
    assert what_it_answers(RunStatus(status), reason, count, 50) == words
