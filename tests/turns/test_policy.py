"""Policy, as a table of situations."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewhall.agents import AgentStatus, SchedulingConfig
from crewhall.conversations import AgentPolicy
from crewhall.kernel.actor import ActorType
from crewhall.kernel.ids import new_id
from crewhall.runtime.policy import FROM_MESSAGES, Situation, Trigger, decide, leading
from crewhall.runtime.vocabulary import Cause, Outcome, Reason

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PERSON, AGENT = ActorType.USER, ActorType.AGENT


def trigger(cause=Cause.MENTION, author=PERSON, seq=10, **fields):
    id = new_id()
    message = id if cause in FROM_MESSAGES else None
    return Trigger(
        id=id, cause=cause, author_type=author, author_id=new_id(), message_id=message, message_seq=seq, **fields
    )


def situation(*triggers, scheduling=None, **fields):
    policy = AgentPolicy(**{name: fields.pop(name) for name in AgentPolicy.__struct_fields__ if name in fields})
    return Situation(
        policy=policy,
        status=fields.pop("status", AgentStatus.ACTIVE),
        scheduling=scheduling or SchedulingConfig(),
        triggers=triggers,
        **fields,
    )


def verdicts(of):
    return [(decision.outcome, decision.reason) for decision in decide(of, NOW)]


def verdict(made, **fields):
    (only,) = verdicts(situation(made, **fields))
    return only


@pytest.mark.rule("C2", "E2")
def test_who_is_away_is_told_what_is_asked_of_it_and_follows_nothing():
    away = {"is_remote": True, "is_away": True}
    assert verdict(trigger(), **away) == (Outcome.SPEAK, Reason.ASKED)
    assert verdict(trigger(author=AGENT), **away) == (Outcome.SPEAK, Reason.ASKED)
    assert verdict(trigger(Cause.AUTO), **away) == (Outcome.SILENT, Reason.AWAY)
    assert verdict(trigger(Cause.AUTO), is_remote=True) == (Outcome.SPEAK, Reason.FOLLOWS)


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (trigger(), (Outcome.SPEAK, Reason.ASKED)),
        (trigger(Cause.RUN_NOW), (Outcome.SPEAK, Reason.ASKED)),
        (trigger(author=AGENT), (Outcome.SILENT, Reason.BUDGET)),
        (trigger(Cause.AUTO), (Outcome.SILENT, Reason.BUDGET)),
        (trigger(Cause.SCHEDULE), (Outcome.SILENT, Reason.BUDGET)),
        (trigger(Cause.WEBHOOK), (Outcome.SILENT, Reason.BUDGET)),
    ],
)
def test_a_used_up_budget_is_told_to_who_asks_and_keeps_the_rest_silent(made, expected):
    assert verdict(made, is_spent=True) == expected


@pytest.mark.rule("C2")
@pytest.mark.parametrize("cause", [Cause.MENTION, Cause.REPLY, Cause.DIRECT, Cause.RUN_NOW, Cause.QUICK_TASK])
def test_what_a_person_asks_by_name_is_answered_at_once(cause):
    spoken = {"rounds": 20, "spoke_at": NOW, "max_agent_rounds": 0, "multi_agent_enabled": False}
    assert verdict(trigger(cause), **spoken) == (Outcome.SPEAK, Reason.ASKED)


@pytest.mark.rule("C2")
@pytest.mark.parametrize(
    ("made", "fields", "expected"),
    [
        (trigger(author=AGENT), {}, (Outcome.SPEAK, Reason.ASKED)),
        (trigger(Cause.AUTO), {}, (Outcome.SPEAK, Reason.FOLLOWS)),
        (trigger(author=AGENT), {"rounds": 1}, (Outcome.SPEAK, Reason.ASKED)),
        (trigger(author=AGENT), {"rounds": 2}, (Outcome.SILENT, Reason.ROUNDS)),
        (trigger(Cause.AUTO), {"rounds": 2}, (Outcome.SILENT, Reason.ROUNDS)),
        (trigger(Cause.AUTO), {"rounds": 2, "max_agent_rounds": 3}, (Outcome.SPEAK, Reason.FOLLOWS)),
        (trigger(author=AGENT), {"max_agent_rounds": 0}, (Outcome.SILENT, Reason.ROUNDS)),
        (trigger(author=AGENT, author_rounds=2), {}, (Outcome.SPEAK, Reason.ASKED)),
        (trigger(author=AGENT, author_rounds=3), {}, (Outcome.SILENT, Reason.ROUNDS)),
        (trigger(author=AGENT), {"multi_agent_enabled": False}, (Outcome.SILENT, Reason.ONE_AGENT)),
        (trigger(Cause.AUTO), {"multi_agent_enabled": False}, (Outcome.SPEAK, Reason.FOLLOWS)),
        (trigger(Cause.API, author=AGENT), {"rounds": 2}, (Outcome.SILENT, Reason.ROUNDS)),
    ],
)
def test_what_no_person_asked_keeps_to_the_rounds(made, fields, expected):
    assert verdict(made, **fields) == expected


@pytest.mark.rule("C2")
@pytest.mark.parametrize("made", [trigger(author=AGENT), trigger(Cause.AUTO)])
def test_what_no_person_asked_waits_for_the_cooldown(made):
    ten_ago = NOW - timedelta(seconds=10)
    (waits,) = decide(situation(made, spoke_at=ten_ago), NOW)
    assert (waits.outcome, waits.reason, waits.until) == (
        Outcome.WAIT, Reason.COOLDOWN, NOW + timedelta(seconds=5)
    )  # fmt: skip
    assert verdict(made, spoke_at=ten_ago, agent_cooldown_seconds=10)[0] is Outcome.SPEAK
    assert verdict(made, spoke_at=NOW - timedelta(seconds=15))[0] is Outcome.SPEAK


@pytest.mark.parametrize(
    ("made", "fields", "reason"),
    [
        (trigger(is_gone=True), {}, Reason.GONE),
        (trigger(may_read=False), {}, Reason.NOT_HERE),
        (trigger(), {"is_open": False}, Reason.CLOSED),
        (trigger(), {"is_deleted": True}, Reason.INACTIVE),
        (trigger(seq=7), {"seen_seq": 7}, Reason.COVERED),
    ],
)
def test_what_cannot_be_answered_is_not(made, fields, reason):
    assert verdict(made, **fields) == (Outcome.SILENT, reason)


@pytest.mark.rule("C4")
@pytest.mark.parametrize("status", list(AgentStatus))
def test_only_working_agents_take_turns(status):
    expected = Outcome.SPEAK if status in {AgentStatus.ACTIVE, AgentStatus.PROBATION} else Outcome.SILENT
    assert verdict(trigger(), status=status)[0] is expected
    assert verdict(trigger(Cause.RUN_NOW, prompt="x"), status=status)[0] is expected


def test_what_was_read_before_it_was_asked_again_is_done_again():
    assert verdict(trigger(seq=8), seen_seq=7) == (Outcome.SPEAK, Reason.ASKED)
    assert verdict(trigger(Cause.RUN_NOW, seq=7), seen_seq=7) == (Outcome.SPEAK, Reason.ASKED)


def test_while_a_turn_is_under_way_everything_waits_for_its_end():
    (waits,) = decide(situation(trigger(), is_busy=True), NOW)
    assert (waits.outcome, waits.reason, waits.until) == (Outcome.WAIT, Reason.BUSY, None)
    assert verdict(trigger(author=AGENT), is_busy=True, rounds=2) == (Outcome.SILENT, Reason.ROUNDS)


@pytest.mark.rule("B11")
def test_outside_working_hours_everything_waits_but_what_is_started_by_hand():
    night = SchedulingConfig(enabled=True, working_hours="20-22")
    (waits,) = decide(situation(trigger(), scheduling=night), NOW)
    assert (waits.reason, waits.until) == (Reason.OUTSIDE_HOURS, NOW.replace(hour=20))
    assert verdict(trigger(Cause.RUN_NOW), scheduling=night)[0] is Outcome.SPEAK
    assert verdict(trigger(Cause.SCHEDULE), scheduling=night)[0] is Outcome.WAIT


@pytest.mark.rule("C2")
def test_a_burst_is_one_turn_that_reads_what_only_rests_too():
    burst = [trigger(Cause.AUTO, seq=1), trigger(author=AGENT, seq=2), trigger(seq=3), trigger(is_gone=True, seq=4)]
    rested = situation(*burst, spoke_at=NOW)
    assert verdicts(rested) == [
        (Outcome.SPEAK, Reason.FOLLOWS), (Outcome.SPEAK, Reason.ASKED), (Outcome.SPEAK, Reason.ASKED),
        (Outcome.SILENT, Reason.GONE),
    ]  # fmt: skip
    assert leading([burst[0], burst[1], burst[2]]) is burst[2]
    assert leading([burst[2], burst[1], burst[0]]) is burst[2]
    assert leading([burst[0], burst[1]]) is burst[1]


def test_a_prompt_is_a_turn_of_its_own_in_its_order():
    prompt = trigger(Cause.QUICK_TASK, prompt="Sum it up.")
    message = trigger()
    waits = (Outcome.WAIT, Reason.BUSY)
    speaks = (Outcome.SPEAK, Reason.ASKED)
    assert verdicts(situation(prompt, message, prompt_of(prompt))) == [speaks, waits, waits]
    assert verdicts(situation(message, prompt, trigger())) == [speaks, waits, speaks]
    resting = trigger(Cause.API, author=AGENT, prompt="Sum it up.")
    assert verdicts(situation(message, resting, spoke_at=NOW)) == [speaks, (Outcome.WAIT, Reason.COOLDOWN)]


@pytest.mark.rule("C2", "X4")
def test_what_programs_ask_is_a_turn_of_its_own_but_for_an_agent_that_thinks_elsewhere():
    one, other, message = trigger(Cause.API), trigger(Cause.API), trigger()
    speaks, waits = (Outcome.SPEAK, Reason.ASKED), (Outcome.WAIT, Reason.BUSY)
    assert verdicts(situation(one, other, message)) == [speaks, waits, waits]
    assert verdicts(situation(message, one)) == [speaks, waits]
    assert verdicts(situation(one, other, message, is_remote=True)) == [speaks, speaks, speaks]


def prompt_of(other):
    return trigger(other.cause, prompt=other.prompt)


@pytest.mark.rule("C2")
def test_a_remote_agent_is_told_all_that_was_asked_but_of_the_rest_only_the_newest():
    speaks, covered = (Outcome.SPEAK, Reason.ASKED), (Outcome.SILENT, Reason.COVERED)
    unasked = [trigger(author=AGENT, seq=seq) for seq in (1, 2, 3)]
    assert verdicts(situation(*unasked, is_remote=True)) == [covered, covered, speaks]
    mixed = [unasked[0], trigger(seq=2), unasked[2], trigger(seq=4)]
    assert verdicts(situation(*mixed, is_remote=True)) == [covered, speaks, covered, speaks]


triggers = st.builds(
    trigger,
    st.sampled_from(Cause),
    st.sampled_from(ActorType),
    st.integers(1, 20),
    author_rounds=st.integers(0, 4),
    is_gone=st.booleans(),
    may_read=st.booleans(),
    prompt=st.none() | st.just("do it"),
)
situations = st.builds(
    lambda found, **fields: situation(*found, **fields),
    st.lists(triggers, min_size=1, max_size=8),
    status=st.sampled_from(AgentStatus),
    is_deleted=st.booleans(),
    is_remote=st.booleans(),
    is_open=st.booleans(),
    is_busy=st.booleans(),
    rounds=st.integers(0, 4),
    spoke_at=st.none() | st.integers(0, 60).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    seen_seq=st.none() | st.integers(0, 20),
    auto_trigger=st.booleans(),
    multi_agent_enabled=st.booleans(),
    max_agent_rounds=st.integers(0, 3),
    agent_cooldown_seconds=st.integers(0, 40),
    scheduling=st.sampled_from([None, SchedulingConfig(enabled=True, working_hours="20-22")]),
)


@pytest.mark.rule("C2")
@settings(max_examples=300)
@given(situations)
def test_every_trigger_is_decided_once_and_limits_always_hold(of):
    decisions = decide(of, NOW)
    assert sorted(decision.trigger.id for decision in decisions) == sorted(made.id for made in of.triggers)
    speaking = [decision.trigger for decision in decisions if decision.outcome is Outcome.SPEAK]
    assert not (speaking and of.is_busy)
    tasks = [made for made in speaking if made.prompt or (made.cause is Cause.API and not of.is_remote)]
    assert not tasks or len(speaking) == 1
    if speaking and not any(made.is_asked for made in speaking):
        assert of.rounds < of.policy.max_agent_rounds
        rested = of.spoke_at is None or of.spoke_at + timedelta(seconds=of.policy.agent_cooldown_seconds) <= NOW
        assert rested
    for made in speaking:
        assert not (made.author_type is AGENT and not of.policy.multi_agent_enabled)
        assert made.may_read
        assert not made.is_gone
    for decision in decisions:
        assert (decision.until is not None) == (decision.reason in {Reason.COOLDOWN, Reason.OUTSIDE_HOURS})
        assert decision.until is None or decision.until > NOW
