"""Causes of turns beside messages: schedules, quick tasks, incoming webhooks."""

from crewhall.migrations.runner import run_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run 0013_causes.sql."""
    run_sql(__file__)
