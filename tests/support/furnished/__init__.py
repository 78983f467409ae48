"""An organization in use, with something on every page: axe judges it, and the pictures in the docs show it."""

from tests.support.furnished.company import Company, furnish
from tests.support.furnished.places import addresses

__all__ = ["Company", "addresses", "furnish"]
