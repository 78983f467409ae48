"""What prices, budgets and usage look like at the edge. Money is decimal text in the currency's unit, never a float."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.agents import AgentKind
from crewhall.governance.vocabulary import BudgetPeriod, Strictness, UsageGroup, UsageSpan

MOST_MONEY = Decimal("1e12")
MOST_COUNT = 10**15
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217, such as USD.")]
Pattern = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"^[^\s\u0000]+$",
        description="A name, in which `*` stands for anything; case does not matter.",
    ),
]
Money = Annotated[Decimal, Meta(description="In the currency's unit, to the millionth: `12.5`.")]
Count = Annotated[int, Meta(ge=0, le=MOST_COUNT)]
NO_NUL = r"^[^\u0000]*$"


class Price(Struct, kw_only=True):
    """What a model costs, per million tokens read, read from the provider's cache, and written.

    `is_shipped`: it came with Crewhall; an organization's own go before those. It counts from `valid_from` on, until
    another one that fits as well begins or it is withdrawn (`withdrawn_at`).
    """

    id: UUID
    provider: str
    model: str
    input_price: Decimal
    cached_price: Decimal
    output_price: Decimal
    currency: str
    valid_from: datetime
    source: str
    is_shipped: bool
    withdrawn_at: datetime | None
    created_at: datetime


class PriceInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A price of the organization's own. `cached_price` is `input_price` unless given, `valid_from` is now."""

    provider: Pattern
    model: Pattern
    input_price: Money
    output_price: Money
    cached_price: Money | None = None
    currency: Currency = "USD"
    valid_from: datetime | None = None
    source: Annotated[str, Meta(max_length=500, pattern=NO_NUL, description="Where it stands, for people.")] = ""


class BudgetAgent(Struct, frozen=True):
    """The agent that a budget or a row of usage is about."""

    id: UUID
    code: str
    name: str


class BudgetPlace(Struct, frozen=True):
    """The conversation that a budget or a row of usage is about. `partner`: who else is in the caller's direct one."""

    id: UUID
    kind: str
    name: str | None
    title: str | None
    partner: str | None = None


class Standing(Struct, kw_only=True):
    """How a budget stands in its present period.

    What is reserved is held for requests under way and becomes what they take. `ends_at` is null where it never ends.
    """

    begins_at: datetime
    ends_at: datetime | None
    spent_money: Decimal
    reserved_money: Decimal
    spent_tokens: int
    reserved_tokens: int
    spent_runs: int
    warned_at: datetime | None


class Budget(Struct, kw_only=True):
    """A limit for an agent, a conversation, an agent in a conversation, or (both null) the organization.

    At least one of `money_limit` (in `currency`), `token_limit` (read and written) and `run_limit` is there; whichever
    is reached first counts. Money in other currencies, and what models of unknown price take, is in no money limit.
    `is_used_up`: nothing is left of one of them. `label` names it in a few words.
    """

    id: UUID
    label: str
    agent: BudgetAgent | None
    conversation: BudgetPlace | None
    period: BudgetPeriod
    strictness: Strictness
    money_limit: Decimal | None
    currency: str | None
    token_limit: int | None
    run_limit: int | None
    is_used_up: bool
    standing: Standing
    created_at: datetime
    updated_at: datetime


class BudgetInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A new budget. What its period has seen already counts."""

    agent_id: UUID | None = None
    conversation_id: UUID | None = None
    period: BudgetPeriod = BudgetPeriod.MONTH
    strictness: Strictness = Strictness.HARD
    money_limit: Money | None = None
    currency: Currency | None = None
    token_limit: Count | None = None
    run_limit: Count | None = None


class BudgetPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change of a budget; null takes a limit away. A changed budget may warn again in the same period."""

    strictness: Strictness | UnsetType = UNSET
    money_limit: Money | None | UnsetType = UNSET
    currency: Currency | None | UnsetType = UNSET
    token_limit: Count | None | UnsetType = UNSET
    run_limit: Count | None | UnsetType = UNSET


class UsageRow(Struct, kw_only=True):
    """What was used in one length of time (UTC), by all, by one agent or in one conversation.

    `cost` is by currency. `unpriced_tokens` were taken by models of unknown price: what they cost is in none.
    """

    span: UsageSpan
    begins_at: datetime
    group: UsageGroup
    agent: BudgetAgent | None
    conversation: BudgetPlace | None
    runs: int
    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    unpriced_tokens: int
    cost: dict[str, Decimal]


class StorageRow(Struct, kw_only=True):
    """What is stored of files, of all, of one agent's or in one conversation; `_added` is what came of late.

    Bytes that several files share count for each of them.
    """

    group: UsageGroup
    agent: BudgetAgent | None
    conversation: BudgetPlace | None
    files: int
    bytes: int
    files_added: int
    bytes_added: int


class RateLimit(Struct, kw_only=True):
    """How many turns agents of a kind begin: so many a minute, `burst` of them at once, an hour and a day.

    `is_default`: it came with Crewhall.
    """

    agent_kind: AgentKind
    per_minute: int
    per_hour: int
    per_day: int
    burst: int
    is_default: bool


class RateInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """A limit for a kind of agent."""

    per_minute: Annotated[int, Meta(ge=1, le=1_000_000)]
    per_hour: Annotated[int, Meta(ge=1, le=10_000_000)]
    per_day: Annotated[int, Meta(ge=1, le=100_000_000)]
    burst: Annotated[int, Meta(ge=1, le=1_000_000)]
