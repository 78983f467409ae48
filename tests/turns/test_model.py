"""Random conversations of agents that mention each other on purpose, decided by processes that die or come back late.

Rounds and cooldown always hold, everything is decided once, and in the end everybody is silent.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.turns.hall import RESIDENT
from tests.turns.talk import AGENTS, EVERYBODY, Step, Talk

STEPS = st.lists(
    st.builds(
        Step,
        what=st.sampled_from([
            "person", "agent", "agent", "agent", "decide", "decide", "turn", "turn", "turn", "time", "die", "late",
            "race", "race", "killed", "fail",
        ]),
        who=st.integers(0, AGENTS - 1),
        mentions=st.just(EVERYBODY) | st.frozensets(st.integers(0, AGENTS - 1)),
        seconds=st.integers(1, 20),
    ),
    min_size=10,
    max_size=40,
)  # fmt: skip
POLICIES = st.fixed_dictionaries({
    "auto_trigger": st.booleans(),
    "multi_agent_enabled": st.sampled_from([True, True, True, False]),
    "max_agent_rounds": st.sampled_from([0, 1, 2, 2, 3]),
    "agent_cooldown_seconds": st.sampled_from([0, 15, 15]),
})  # fmt: skip


any_talk = given(steps=STEPS, policy=POLICIES, is_remote=st.booleans())


@pytest.mark.rule("C2")
@pytest.mark.rule("C5")
@pytest.mark.timeout(120)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@any_talk
async def test_rounds_and_cooldown_hold_whatever_agents_write_and_whoever_decides(
    hall, org, monkeypatch, steps, policy, is_remote
):
    await talk_of(hall, org, monkeypatch, steps, policy, is_remote=is_remote)


@pytest.mark.rule("C2")
@pytest.mark.rule("C5")
@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@any_talk
async def test_rounds_and_cooldown_hold_in_many_talks(hall, org, monkeypatch, steps, policy, is_remote):
    await talk_of(hall, org, monkeypatch, steps, policy, is_remote=is_remote)


async def talk_of(hall, org, monkeypatch, steps, policy, *, is_remote):
    """Let the steps happen, then everybody go on until it ends."""
    agents = [await hall.hire(org, model_config={} if is_remote else RESIDENT) for _ in range(AGENTS)]
    talk = Talk(hall, org, agents, await hall.group(org, *agents, **policy), policy)
    for step in steps:
        await talk.happen(step, monkeypatch)
    await talk.run_out()
