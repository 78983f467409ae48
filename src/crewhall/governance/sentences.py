"""Budgets in words, the same on every face."""

from crewhall.governance.schemas import BudgetAgent, BudgetPlace
from crewhall.governance.vocabulary import BudgetPeriod
from crewhall.kernel.place_names import place_name

LENGTHS = {BudgetPeriod.DAY: "per day", BudgetPeriod.MONTH: "per month", BudgetPeriod.TOTAL: "in all"}
NOW = {BudgetPeriod.DAY: " for today", BudgetPeriod.MONTH: " for this month", BudgetPeriod.TOTAL: ""}
AGAIN = {
    BudgetPeriod.DAY: " Tomorrow (UTC) there is a new one.",
    BudgetPeriod.MONTH: " Next month (UTC) there is a new one.",
    BudgetPeriod.TOTAL: "",
}


def label(agent: BudgetAgent | None, place: BudgetPlace | None, period: BudgetPeriod) -> str:
    """A budget in a few words: `Scout in #general, per day`."""
    whose = agent.name if agent else ""
    where = place_name(place) if place else ""
    about = f"{whose} in {where}" if whose and where else whose or where or "The organization"
    return f"{about}, {LENGTHS[period]}"


def whose(agent: str | None, *, is_here: bool) -> str:
    """Whose budget it is, to follow "the budget"; said in the conversation that it may be about."""
    if agent:
        return f"of {agent} here" if is_here else f"of {agent}"
    return "of this conversation" if is_here else "of the organization"


def refusal(agent: str | None, *, is_here: bool, period: BudgetPeriod) -> str:
    """What a conversation is told when a hard budget refuses."""
    return (
        f"The budget {whose(agent, is_here=is_here)}{NOW[period]} has no room for this. An owner or an admin can raise "
        f"it.{AGAIN[period]}"
    )
