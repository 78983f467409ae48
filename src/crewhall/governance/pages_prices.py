"""Pages of the price list."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.governance import budgets, prices
from crewhall.governance.schemas import PriceInput
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect


@get("/prices")
async def show_prices(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Annotated[str | None, QueryParameter(max_length=300)] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """What models cost."""
    return await _prices_page(request, services, actor, q=q, after=after)


@post("/prices")
async def add_price(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Set a price of the organization's own."""
    form = await read_form(request)
    try:
        names = ("provider", "model", "input_price", "output_price", "cached_price", "currency", "source")
        data = form.read(PriceInput, *names)
        async with services.db.transaction(actor) as tx:
            made = await prices.add_price(tx, actor, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _prices_page(request, services, actor, form=form, status=error.kind.status)
    return go("/prices", f"{made.provider}:{made.model} has a price.")


@post("/prices/{price_id:uuid}/withdraw")
async def withdraw_price(
    services: NamedDependency[Services], actor: NamedDependency[Actor], price_id: FromPath[UUID]
) -> Redirect:
    """Let a price count no more."""
    async with services.db.transaction(actor) as tx:
        await prices.withdraw_price(tx, actor, price_id)
    return go("/prices", "Withdrawn.")


async def _prices_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    q: str | None = None,
    after: str | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        page = await prices.list_prices(tx, q=q or None, after=after)
    return await render_in_hall(
        "prices.html",
        request,
        services,
        actor,
        status=status,
        prices=page.items,
        next=page.next,
        q=q or "",
        form=form or Form(),
        may_change=budgets.may_change(actor),
        now=datetime.now(UTC),
        plain=_plain,
    )


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


PRICES = [show_prices, add_price, withdraw_price]
