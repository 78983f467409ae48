"""What turns may spend and what they spent: prices, budgets, the ledger, usage. What others may use is here."""

from crewhall.governance.budgets import describe_limit
from crewhall.governance.ledger import (
    Estimate,
    Reserved,
    Taken,
    release,
    release_strays,
    reserve,
)
from crewhall.governance.money import in_words as money_in_words
from crewhall.governance.prices import find_price, get_price
from crewhall.governance.rates import find_opening, take_rate
from crewhall.governance.reach import list_places
from crewhall.governance.schemas import Price
from crewhall.governance.used_up import find_used_up
from crewhall.governance.warnings import BudgetWarner

__all__ = [
    "BudgetWarner",
    "Estimate",
    "Price",
    "Reserved",
    "Taken",
    "describe_limit",
    "find_opening",
    "find_price",
    "find_used_up",
    "get_price",
    "list_places",
    "money_in_words",
    "release",
    "release_strays",
    "reserve",
    "take_rate",
]
