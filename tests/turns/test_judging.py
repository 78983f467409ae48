"""Whether a call is made, asked about or refused: the table, and what holds for every call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.tools import Risk
from crewhall.runtime.judging import ORDER, RiskRule, Standing, ToolPolicy, Verdict, judge

ALLOW, ASK, REFUSE = Verdict.ALLOW, Verdict.ASK, Verdict.REFUSE
READ, WRITE, OUTSIDE, DESTRUCTIVE = Risk
LAX = ToolPolicy(outside=RiskRule(allow_from=60.0, ask_from=10.0), destructive=RiskRule(allow_from=0.0))
NAMED = ToolPolicy(tools={"t": ALLOW})
CLOSED = ToolPolicy(tools={"t": REFUSE})
TABLE = [
    # risk, trust, on probation, policy, asks from → verdict
    (READ, 0, False, ToolPolicy(), None, ALLOW),
    (READ, 0, True, ToolPolicy(), None, ALLOW),
    (WRITE, 50, False, ToolPolicy(), None, ALLOW),
    (WRITE, 20, False, ToolPolicy(), None, ALLOW),
    (WRITE, 19.99, False, ToolPolicy(), None, ASK),
    (WRITE, 50, True, ToolPolicy(), None, ASK),
    (OUTSIDE, 100, False, ToolPolicy(), None, ASK),
    (OUTSIDE, 19, False, ToolPolicy(), None, REFUSE),
    (DESTRUCTIVE, 100, False, ToolPolicy(), None, ASK),
    (DESTRUCTIVE, 19, False, ToolPolicy(), None, REFUSE),
    (DESTRUCTIVE, 100, True, ToolPolicy(), None, REFUSE),
    (OUTSIDE, 60, False, LAX, None, ALLOW),
    (OUTSIDE, 59, False, LAX, None, ASK),
    (OUTSIDE, 9, False, LAX, None, REFUSE),
    (OUTSIDE, 100, True, LAX, None, ASK),
    (OUTSIDE, 100, False, LAX, OUTSIDE, ASK),
    (DESTRUCTIVE, 100, False, LAX, OUTSIDE, ASK),
    (WRITE, 100, False, LAX, OUTSIDE, ALLOW),
    (DESTRUCTIVE, 0, False, LAX, None, ALLOW),
    (DESTRUCTIVE, 0, False, NAMED, None, ALLOW),
    (DESTRUCTIVE, 100, True, NAMED, None, REFUSE),
    (OUTSIDE, 100, False, NAMED, OUTSIDE, ASK),
    (WRITE, 0, True, NAMED, None, ASK),
    (READ, 100, False, CLOSED, None, REFUSE),
    (READ, 100, False, ToolPolicy(tools={"t": ASK}), None, ASK),
    (READ, 100, False, ToolPolicy(tools={"other": REFUSE}), None, ALLOW),
]


@pytest.mark.rule("X5")
@pytest.mark.parametrize(("risk", "trust", "on_probation", "policy", "asks_from", "verdict"), TABLE)
def test_risk_trust_and_policy_decide(risk, trust, on_probation, policy, asks_from, verdict):
    judged = judge("t", risk, Standing(trust, on_probation), policy, asks_from=asks_from)
    assert judged.verdict is verdict
    assert judged.why.endswith(".")


RULES = st.builds(RiskRule, allow_from=st.none() | st.floats(0, 100), ask_from=st.floats(0, 100))
POLICIES = st.builds(
    ToolPolicy, write=RULES, outside=RULES, destructive=RULES,
    tools=st.dictionaries(st.sampled_from(["t", "u"]), st.sampled_from(list(Verdict))),
)  # fmt: skip
STRICTNESS = list(Verdict)


@pytest.mark.rule("X5")
@given(POLICIES, st.sampled_from(ORDER), st.floats(0, 100), st.floats(0, 100), st.none() | st.sampled_from(ORDER))
def test_less_trust_probation_or_a_stricter_tool_never_allow_more(policy, risk, one, other, asks_from):
    def strictness(trust, *, on_probation=False, from_=asks_from):
        return STRICTNESS.index(judge("t", risk, Standing(trust, on_probation), policy, asks_from=from_).verdict)

    low, high = sorted((one, other))
    assert strictness(low) >= strictness(high)
    assert strictness(low, on_probation=True) >= strictness(low)
    assert strictness(low) >= strictness(low, from_=None)
