"""Turns of agents: who decides, what is decided, what runs."""

from crewhall.migrations.runner import run_sql

revision = "0010"
down_revision = "0006"


def upgrade() -> None:
    """Run 0010_runtime.sql."""
    run_sql(__file__)
