"""Agents: who sees which, presence, search, lookup of keys."""

from crewhall.migrations.runner import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run 0003_agents.sql."""
    run_sql(__file__)
