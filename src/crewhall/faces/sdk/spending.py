"""What the API answers about prices, budgets and usage. Money is exact: `Decimal`, in the currency's unit."""

from datetime import datetime
from decimal import Decimal

import msgspec

from crewhall.faces.sdk.resources import ConversationRef
from crewhall.faces.sdk.runs import RunAgent


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs, per million tokens read, read from the provider's cache, and written."""

    id: str
    provider: str
    model: str
    input_price: Decimal
    cached_price: Decimal
    output_price: Decimal
    currency: str
    valid_from: datetime
    source: str = ""
    is_shipped: bool = False
    withdrawn_at: datetime | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a budget stands in its present period; what is reserved is held for requests under way."""

    begins_at: datetime
    ends_at: datetime | None = None
    spent_money: Decimal = Decimal(0)
    reserved_money: Decimal = Decimal(0)
    spent_tokens: int = 0
    reserved_tokens: int = 0
    spent_runs: int = 0
    warned_at: datetime | None = None


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A limit for an agent, a conversation, an agent in a conversation, or (both None) the organization."""

    id: str
    label: str
    period: str
    strictness: str
    standing: Standing
    agent: RunAgent | None = None
    conversation: ConversationRef | None = None
    money_limit: Decimal | None = None
    currency: str | None = None
    token_limit: int | None = None
    run_limit: int | None = None
    is_used_up: bool = False


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How many turns agents of a kind begin: so many a minute, `burst` of them at once, an hour and a day."""

    agent_kind: str
    per_minute: int
    per_hour: int
    per_day: int
    burst: int
    is_default: bool = True


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was used in one length of time; `cost` by currency, without what `unpriced_tokens` cost."""

    span: str
    begins_at: datetime
    group: str
    agent: RunAgent | None = None
    conversation: ConversationRef | None = None
    runs: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    unpriced_tokens: int = 0
    cost: dict[str, Decimal] = {}
