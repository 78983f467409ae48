"""The life of an agent's standing: only allowed changes, whatever the order of attempts."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.agents import AgentStatus, answers, authenticates
from crewhall.agents.status import TRANSITIONS, check_transition
from crewhall.kernel.errors import CrewhallError
from tests.agents.hall import AgentOrg

STATUSES = st.sampled_from(AgentStatus)


def allowed(before: AgentStatus, after: AgentStatus) -> bool:
    with contextlib.suppress(CrewhallError):
        check_transition(before, after)
        return True
    return False


@given(st.lists(STATUSES, max_size=12))
def test_no_sequence_of_attempts_leaves_termination_or_makes_an_unlisted_change(attempts: list[AgentStatus]):
    now = AgentStatus.ACTIVE
    for wanted in attempts:
        assert allowed(now, wanted) == (wanted is now or wanted in TRANSITIONS[now])
        assert not (now is AgentStatus.TERMINATED and allowed(now, wanted) and wanted is not now)
        now = wanted if allowed(now, wanted) else now
        assert answers(now) <= authenticates(now)


@given(STATUSES)
def test_every_standing_but_termination_has_a_way_back_to_active(status: AgentStatus):
    reachable, frontier = {status}, [status]
    while frontier:
        found = TRANSITIONS[frontier.pop()] - reachable
        reachable |= found
        frontier.extend(found)
    assert (AgentStatus.ACTIVE in reachable) == (status is not AgentStatus.TERMINATED)


async def test_a_forbidden_change_is_refused_and_says_what_is_possible(org: AgentOrg):
    url = f"/agents/{(await org.create())['id']}"
    assert (await org.owner.api.patch(url, json={"status": "inactive"})).json()["status"] == "inactive"
    refused = await org.owner.api.patch(url, json={"status": "maintenance"})
    assert refused.status_code == 409
    assert "active, probation, terminated" in refused.json()["detail"]
    assert (await org.owner.api.patch(url, json={"status": "terminated"})).json()["status"] == "terminated"
    assert (await org.owner.api.patch(url, json={"status": "active"})).status_code == 409
    assert (await org.owner.api.get(url)).json()["status"] == "terminated"


@pytest.mark.rule("A5")
@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        (["probation"], 200),
        (["maintenance"], 200),
        (["inactive"], 401),
        (["inactive", "active"], 200),
        (["terminated"], 401),
    ],
)
async def test_an_inactive_agent_does_not_authenticate(org: AgentOrg, path: list[str], code: int):
    agent = await org.hire()
    assert (await agent.api.get("/agents")).status_code == 200
    for status in path:
        answer = await org.owner.api.patch(f"/agents/{agent.id}", json={"status": status})
        assert answer.status_code == 200
    await org.hall.hear_revocations()
    assert (await agent.api.get("/agents")).status_code == code
