"""Judging: whether a call of a tool is made, waits for a person, or is refused. Pure: a table, nothing else.

What a call risks, how far its agent is trusted and what the organization has settled decide together:

| risk | by default |
|---|---|
| read | made |
| write | made from trust 20 on, below that asked about |
| outside | asked about from trust 20 on, below that refused |
| destructive | asked about from trust 20 on, below that refused |

An agent on probation is asked about whatever is more than reading, and refused what destroys. A tool that the policy
names is judged as it says there, but never more freely than its declaration (`asks_from`) or probation lets it.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from crewhall.kernel.tools import Risk

TRUSTED_ENOUGH = 20.0
ORDER = list(Risk)

Trust = Annotated[float, Meta(ge=0, le=100)]
ToolName = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-zA-Z0-9_.:-]+$")]
Host = Annotated[
    str, Meta(min_length=1, max_length=260, pattern=r"^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$")
]


class Verdict(StrEnum):
    """What becomes of a call."""

    ALLOW = "allow"
    ASK = "ask"
    REFUSE = "refuse"


class RiskRule(Struct, frozen=True, forbid_unknown_fields=True):
    """From which trust on a call is made without asking (null: never), and from which on it is asked about at all."""

    allow_from: Trust | None = None
    ask_from: Trust = 0.0


class ToolPolicy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the tools of an organization's agents may do.

    `tools` judges single tools by name, `hosts` are the addresses that `fetch` may reach: `api.example.org`,
    `*.example.org` for all below it, with `:port` for another port than the usual one.
    """

    write: RiskRule = RiskRule(allow_from=TRUSTED_ENOUGH)
    outside: RiskRule = RiskRule(ask_from=TRUSTED_ENOUGH)
    destructive: RiskRule = RiskRule(ask_from=TRUSTED_ENOUGH)
    tools: Annotated[dict[ToolName, Verdict], Meta(max_length=200)] = {}
    hosts: Annotated[list[Host], Meta(max_length=500)] = []

    def rule_of(self, risk: Risk) -> RiskRule:
        """The rule for calls of that risk."""
        rules = {Risk.WRITE: self.write, Risk.OUTSIDE: self.outside, Risk.DESTRUCTIVE: self.destructive}
        return rules.get(risk, RiskRule(allow_from=0.0))


class Standing(Struct, frozen=True):
    """How far an agent is trusted: its score of 0 to 100, and whether it is on probation."""

    trust: float
    on_probation: bool = False


class Judgement(Struct, frozen=True):
    """What becomes of a call, and why, in a sentence for people."""

    verdict: Verdict
    why: str


def judge(tool: str, risk: Risk, standing: Standing, policy: ToolPolicy, *, asks_from: Risk | None = None) -> Judgement:
    """Say what becomes of a call; `asks_from` is the tool's own: from that risk on a person has to approve."""
    named = policy.tools.get(tool)
    found = _by_name(tool, named) if named is not None else _by_trust(risk, standing, policy.rule_of(risk))
    if found.verdict is Verdict.REFUSE or risk is Risk.READ:
        return found
    if standing.on_probation and risk is Risk.DESTRUCTIVE:
        return Judgement(Verdict.REFUSE, "The agent is on probation: it destroys nothing.")
    if found.verdict is Verdict.ALLOW and standing.on_probation:
        return Judgement(Verdict.ASK, "The agent is on probation: whatever is more than reading is asked about.")
    if found.verdict is Verdict.ALLOW and asks_from is not None and ORDER.index(risk) >= ORDER.index(asks_from):
        return Judgement(Verdict.ASK, f"{tool} does this only when a person has approved it.")
    return found


def _by_name(tool: str, named: Verdict) -> Judgement:
    said = {Verdict.ALLOW: "is allowed", Verdict.ASK: "is asked about each time", Verdict.REFUSE: "is not used here"}
    return Judgement(named, f"By the organization's policy {tool} {said[named]}.")


def _by_trust(risk: Risk, standing: Standing, rule: RiskRule) -> Judgement:
    trust = f"{standing.trust:g}"
    if rule.allow_from is not None and standing.trust >= rule.allow_from:
        return Judgement(Verdict.ALLOW, f"Risk “{risk}” is allowed from trust {rule.allow_from:g} on; it has {trust}.")
    if standing.trust >= rule.ask_from:
        bound = "always asked about" if rule.allow_from is None else f"asked about below trust {rule.allow_from:g}"
        return Judgement(Verdict.ASK, f"Risk “{risk}” is {bound}; the agent's trust is {trust}.")
    return Judgement(Verdict.REFUSE, f"Risk “{risk}” is refused below trust {rule.ask_from:g}; the agent's is {trust}.")
