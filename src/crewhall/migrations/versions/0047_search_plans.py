"""Searching chunks by meaning is planned for its arguments each time."""

from crewhall.migrations.runner import run_sql

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Run 0047_search_plans.sql."""
    run_sql(__file__)
