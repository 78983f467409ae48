"""The words of money: for how long a budget counts, what happens at its limit, by what time usage is shown."""

from enum import StrEnum


class BudgetPeriod(StrEnum):
    """What a budget counts: a day, a month (both in UTC), or everything since it was made."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class Strictness(StrEnum):
    """What a budget does at its limit: a soft one warns, a hard one refuses before it would be passed."""

    SOFT = "soft"
    HARD = "hard"


class UsageSpan(StrEnum):
    """The length of time that one row of usage covers, in UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class UsageGroup(StrEnum):
    """Whose usage one row is: everything together, each agent's or each conversation's."""

    TOTAL = "total"
    AGENT = "agent"
    CONVERSATION = "conversation"
