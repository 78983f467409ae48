"""Turns of agents: who decides, what is decided, what runs."""

from crewhall.migrations.runner import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run 0008_runtime.sql."""
    run_sql(__file__)
