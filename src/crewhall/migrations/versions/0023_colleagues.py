"""Agents as colleagues: their versions, a search that knows capabilities, grants that lend them."""

from crewhall.migrations.runner import run_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Run 0023_colleagues.sql."""
    run_sql(__file__)
