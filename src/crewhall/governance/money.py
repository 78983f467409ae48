"""Amounts of money: checked as they come in, and as people read them."""

from decimal import Decimal

from crewhall.governance.schemas import MOST_MONEY
from crewhall.kernel.errors import INVALID

MILLIONTH = Decimal("0.000001")
CENT = Decimal("0.01")


def check_money(amount: Decimal, field: str) -> Decimal:
    """Return the amount exactly as it is kept. Raises INVALID unless it is one, to the millionth, not negative."""
    if not amount.is_finite() or not 0 <= amount <= MOST_MONEY:
        raise INVALID(f"{field} must be between 0 and {MOST_MONEY:f}.", field=field)
    kept = amount.quantize(MILLIONTH)
    if kept != amount:
        raise INVALID(f"{field} is kept to the millionth: use at most six decimals.", field=field)
    return kept


def in_words(amount: Decimal, currency: str) -> str:
    """The amount as people read it: to the cent, or as many decimals as a small one takes."""
    shown = amount.quantize(CENT)
    if shown != amount and abs(amount) < 1:
        exact = amount.quantize(MILLIONTH).normalize()
        shown = shown if exact == shown else exact
    return f"{shown:,f} {currency}"
