"""The hall of turns, with a scripted model: budgets are spent in it."""

from tests.taking.conftest import hall, model, org

__all__ = ["hall", "model", "org"]
