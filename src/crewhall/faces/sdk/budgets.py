"""Prices, budgets and usage."""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.spending import Budget, Price, RateLimit, UsageRow
from crewhall.faces.sdk.transport import Nothing, Transport, as_body, join


class Budgets:
    """What agents may spend and what they spent."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, agent_id: str | None = None, conversation_id: str | None = None) -> AsyncIterator[Budget]:
        """Give budgets with how they stand, newest first; of one agent or one conversation if asked."""
        query = {"agent": agent_id, "conversation": conversation_id}
        return walk(self._transport, "/budgets", Page[Budget], query)

    async def get(self, budget_id: str) -> Budget:
        """Give one budget."""
        return await self._transport.call("GET", join("budgets", budget_id), Budget)

    async def set(
        self,
        *,
        agent_id: str | None = None,
        conversation_id: str | None = None,
        period: str = "month",
        strictness: str = "hard",
        money_limit: Decimal | str | None = None,
        currency: str | None = None,
        token_limit: int | None = None,
        run_limit: int | None = None,
    ) -> Budget:
        """Set a limit for an agent, a conversation, an agent in a conversation, or the organization."""
        body = as_body(
            agent_id=agent_id, conversation_id=conversation_id, period=period, strictness=strictness,
            money_limit=_text(money_limit), currency=currency, token_limit=token_limit, run_limit=run_limit,
        )  # fmt: skip
        return await self._transport.call("POST", "/budgets", Budget, body=body)

    async def change(self, budget_id: str, **changes: Any) -> Budget:
        """Change limits or strictness; None takes a limit away."""
        body = {name: _text(value) if isinstance(value, Decimal) else value for name, value in changes.items()}
        return await self._transport.call("PATCH", join("budgets", budget_id), Budget, body=body)

    async def remove(self, budget_id: str) -> None:
        """Take a budget away."""
        await self._transport.call("DELETE", join("budgets", budget_id), Nothing)

    def usage(
        self,
        *,
        span: str = "day",
        group: str = "total",
        agent_id: str | None = None,
        conversation_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[UsageRow]:
        """Give what was used by hour, day or month, newest first; of all, by agent or by conversation."""
        query = {
            "span": span, "group": group, "agent": agent_id, "conversation": conversation_id,
            "since": since.isoformat() if since else None, "until": until.isoformat() if until else None,
        }  # fmt: skip
        return walk(self._transport, "/usage", Page[UsageRow], query)

    def prices(self, *, text: str | None = None, own: bool = False) -> AsyncIterator[Price]:
        """Give prices, the organization's own first; `text` is part of `provider:model`."""
        return walk(self._transport, "/prices", Page[Price], {"q": text, "own": "true" if own else None})

    async def set_price(
        self,
        provider: str,
        model: str,
        *,
        input_price: Decimal | str,
        output_price: Decimal | str,
        cached_price: Decimal | str | None = None,
        currency: str = "USD",
        valid_from: datetime | None = None,
        source: str = "",
    ) -> Price:
        """Set what a model costs per million tokens, now or from a day to come; `*` in a name stands for anything."""
        body = as_body(
            provider=provider, model=model, input_price=_text(input_price), output_price=_text(output_price),
            cached_price=_text(cached_price), currency=currency, source=source,
            valid_from=valid_from.isoformat() if valid_from else None,
        )  # fmt: skip
        return await self._transport.call("POST", "/prices", Price, body=body)

    async def withdraw_price(self, price_id: str) -> None:
        """Let a price of the organization's own count no more."""
        await self._transport.call("DELETE", join("prices", price_id), Nothing)

    def rates(self) -> AsyncIterator[RateLimit]:
        """Give how many turns agents of each kind begin at most."""
        return walk(self._transport, "/rate-limits", Page[RateLimit])

    async def set_rate(self, kind: str, *, per_minute: int, per_hour: int, per_day: int, burst: int) -> RateLimit:
        """Limit a kind of agent; what is over it waits."""
        body = as_body(per_minute=per_minute, per_hour=per_hour, per_day=per_day, burst=burst)
        return await self._transport.call("PUT", join("rate-limits", kind), RateLimit, body=body)

    async def reset_rate(self, kind: str) -> None:
        """Let the limit that comes with Crewhall hold again."""
        await self._transport.call("DELETE", join("rate-limits", kind), Nothing)


def _text(amount: Decimal | str | None) -> str | None:
    return None if amount is None else str(amount)
