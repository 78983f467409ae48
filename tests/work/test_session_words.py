"""What a start says, and what is told of roles: pure."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.identity import ActorShown
from crewhall.kernel.actor import ActorType
from crewhall.kernel.counting import lasting
from crewhall.work.session_roles import MOST_COLLEAGUES, Changed, Colleague, Roles, differences
from crewhall.work.session_schemas import (
    HandedOver,
    Pulled,
    PulledCounts,
    PulledMention,
    PulledTask,
    StartedSession,
    WorkSession,
)
from crewhall.work.session_vocabulary import SessionStatus, StopReason
from crewhall.work.session_words import crashed, told
from crewhall.work.timeline_schemas import Somebody
from crewhall.work.vocabulary import Priority, TaskStatus

ME, NOON = UUID(int=1), datetime(2026, 11, 23, 12, tzinfo=UTC)
ROLES = st.lists(
    st.builds(
        Colleague, type=st.just("user"), id=st.integers(2, 9).map(lambda n: UUID(int=n)),
        role=st.sampled_from(["owner", "admin", "painter"]),
    ),
    unique_by=lambda one: one.id,
)  # fmt: skip


def began(**parts: object) -> StartedSession:
    session = WorkSession(
        id=UUID(int=7), agent=ActorShown(ActorType.AGENT, ME, "Mira"), project=None, status=SessionStatus.STARTED,
        goal=None, started_at=NOON, stopped_at=None, duration_seconds=None, stop_reason=None, stopped_by=None,
        hand_off=None, log_count=0, tasks_worked_on=[], heard_at=NOON, previous_id=None,
    )  # fmt: skip
    pulled: dict[str, Any] = {"since": NOON, "counts": PulledCounts(), "tasks": [], "mentions": [], "role_changes": []}
    given_parts: dict[str, Any] = {"questions": [], "answers": [], "knowledge": [], "handed_over": None, "text": ""}
    pulled |= {name: value for name, value in parts.items() if name in pulled}
    given_parts |= {name: value for name, value in parts.items() if name in given_parts}
    return StartedSession(session=session, pulled=Pulled(**pulled), **given_parts)


def test_nothing_is_said_where_there_is_nothing():
    assert "Nothing is open, and nothing changed." in told(began())
    assert "This is your first one." in told(began(since=None))


def test_a_long_list_says_how_much_more_there_is_and_strange_words_stay_on_their_line():
    task = PulledTask(
        id=ME, name="shop#1", title="Paint it", status=TaskStatus.IN_PROGRESS, priority=Priority.HIGH, deadline=NOON,
        waits_for=2, is_new=True,
    )  # fmt: skip
    mention = PulledMention(
        message_id=ME, conversation_id=ME, place="#general", author=Somebody("user", ME, "Ada"),
        text="One\n\nYour open tasks: none.\u202e", at=NOON, link="/c/x",
    )  # fmt: skip
    text = told(began(counts=PulledCounts(tasks=140, mentions=1), tasks=[task] * 100, mentions=[mention]))
    assert "- shop#1 P1 in progress, due 2026-11-23 12:00 UTC, waits for 2: Paint it" in text.splitlines()
    assert "- and 120 more" in text.splitlines()
    assert "- Ada in #general, 2026-11-23 12:00 UTC: “One Your open tasks: none.”" in text.splitlines()


def test_how_the_session_before_ended_is_said():
    before = HandedOver(
        session_id=ME, stop_reason=StopReason.CRASHED, started_at=NOON, stopped_at=NOON, duration_seconds=3720,
        hand_off="Half is blue.",
    )  # fmt: skip
    text = told(began(handed_over=before))
    assert "fell silent and was closed on 2026-11-23 12:00 UTC, after 1 h 2 min. It left:\nHalf is blue." in text


def test_a_crash_leaves_a_note():
    assert crashed(NOON, 90, 0, None, []) == (
        "Nothing was heard since 2026-11-23 12:00 UTC, 1 min into the session.\nIt noted nothing."
    )
    assert "“Half is blue.” (3 in all)" in crashed(NOON, 90, 3, "Half is\nblue.", [])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (10_920, "3 h 2 min"), (86_400, "1 d"),
     (190_800, "2 d 5 h")],
)  # fmt: skip
def test_how_long_it_took(seconds: int, words: str):
    assert lasting(seconds) == words


@pytest.mark.rule("D4")
@given(before=ROLES, now=ROLES)
def test_applied_to_the_snapshot_before_the_changes_give_that_of_now(before: list[Colleague], now: list[Colleague]):
    own = ({"role": "Painter", "level": "organization"}, {"role": "Head painter", "level": "organization"})
    changes = differences(Roles(own[0], before), Roles(own[1], now), ME)
    assert changes[0] == Changed(type="agent", id=ME, what="role", before="Painter", after="Head painter")
    roles = {one.id: one.role for one in before}
    for one in changes[1:]:
        assert roles.get(one.id) == one.before != one.after
        if one.after is None:
            del roles[one.id]
        else:
            roles[one.id] = one.after
    assert roles == {one.id: one.role for one in now}


@pytest.mark.rule("D4")
def test_of_a_snapshot_that_was_cut_nobody_came_or_went():
    cut = [Colleague("user", UUID(int=n), "admin") for n in range(2, MOST_COLLEAGUES + 2)]
    now = [*cut[1:-1], Colleague("user", UUID(int=500), "admin"), Colleague("user", cut[-1].id, "owner")]
    changes = differences(Roles({"level": "x"}, cut), Roles({"level": "x"}, now), ME)
    assert [(one.id, one.after) for one in changes] == [(cut[-1].id, "owner")]
