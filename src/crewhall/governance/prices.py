"""The price list: what came with Crewhall, and an organization's own, which go before.

A price is never changed: a new one is added, from now on or a day to come, and the old one withdrawn where it must not
count any more. So every run keeps the price that it was costed with.
"""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.governance.money import check_money
from crewhall.governance.schemas import Price, PriceInput
from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of

COLUMNS: LiteralString = """
select p.id, p.provider, p.model, p.input_price, p.cached_price, p.output_price, p.currency, p.valid_from, p.source,
       p.org_id is null as is_shipped, p.withdrawn_at, p.created_at
from model_prices p
"""


async def list_prices(
    tx: Tx, *, q: str | None = None, own: bool = False, after: str | None = None, limit: int | None = None
) -> Page[Price]:
    """List prices that count or will, the organization's own first, by provider and model.

    `q` is part of a provider or model; `own` leaves out what came with Crewhall.
    """
    size = check_limit(limit)
    key = decode_cursor(after, bool, str, str, datetime, UUID) or (None, None, None, None, None)
    rows = await tx.all(
        Price,
        COLUMNS
        + """
        where p.withdrawn_at is null and (not %(own)s or p.org_id is not null)
          and (%(q)s::text is null or position(lower(%(q)s) in lower(p.provider || ':' || p.model)) > 0)
          and (%(after_id)s::uuid is null or (p.org_id is null, p.provider, p.model, p.valid_from, p.id)
               > (%(after_shipped)s, %(after_provider)s, %(after_model)s, %(after_from)s, %(after_id)s))
        order by p.org_id is null, p.provider, p.model, p.valid_from, p.id limit %(limit)s
        """,
        {
            "own": own,
            "q": q,
            "limit": size + 1,
            "after_shipped": key[0],
            "after_provider": key[1],
            "after_model": key[2],
            "after_from": key[3],
            "after_id": key[4],
        },
    )
    return page_of(rows, size, lambda row: (row.is_shipped, row.provider, row.model, row.valid_from, row.id))


async def get_price(tx: Tx, price_id: UUID) -> Price:
    """Return a price, withdrawn or not. Raises NOT_FOUND."""
    found = await tx.find(Price, COLUMNS + "where p.id = %(id)s", {"id": price_id})
    if found is None:
        raise NOT_FOUND("There is no such price.")
    return found


async def find_price(tx: Tx, provider: str, model: str) -> Price | None:
    """Return what a model costs now; None where that is unknown."""
    return await tx.find(
        Price,
        COLUMNS + "where p.id = (select q.id from price_of(%(provider)s, %(model)s, now()) q)",
        {"provider": provider, "model": model},
    )


async def add_price(tx: Tx, actor: Actor, data: PriceInput) -> Price:
    """Add a price of the organization's own. Raises FORBIDDEN, INVALID."""
    check_permission(actor, Permission.BUDGETS_UPDATE)
    cached = data.input_price if data.cached_price is None else data.cached_price
    values = {
        "id": new_id(),
        "org": actor.org,
        "actor": actor.id,
        **msgspec.structs.asdict(data),
        "input_price": check_money(data.input_price, "input_price"),
        "cached_price": check_money(cached, "cached_price"),
        "output_price": check_money(data.output_price, "output_price"),
    }
    await tx.run(
        """
        insert into model_prices (id, org_id, provider, model, input_price, cached_price, output_price, currency,
                                  valid_from, source, created_by, updated_by)
        values (%(id)s, %(org)s, %(provider)s, %(model)s, %(input_price)s, %(cached_price)s, %(output_price)s,
                %(currency)s, coalesce(%(valid_from)s, now()), %(source)s, %(actor)s, %(actor)s)
        """,
        values,
    )
    await _record(tx, actor, "price.added", values["id"], data.provider, data.model)
    return await get_price(tx, values["id"])


async def withdraw_price(tx: Tx, actor: Actor, price_id: UUID) -> None:
    """Let a price of the organization's own count no more. Raises FORBIDDEN, NOT_FOUND, CONFLICT (not its own)."""
    check_permission(actor, Permission.BUDGETS_UPDATE)
    found = await get_price(tx, price_id)
    if found.is_shipped:
        raise CONFLICT("This price came with Crewhall. Add one of your own for the model: it goes before.")
    if found.withdrawn_at is None:
        await tx.run(
            "update model_prices set withdrawn_at = now(), updated_by = %(actor)s where id = %(id)s",
            {"id": price_id, "actor": actor.id},
        )
        await _record(tx, actor, "price.withdrawn", price_id, found.provider, found.model)


async def _record(tx: Tx, actor: Actor, action: str, price_id: UUID, provider: str, model: str) -> None:
    await audit.record(tx, actor, action, "price", price_id, {"model": f"{provider}:{model}"})
