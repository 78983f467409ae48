"""Summaries of the older part of a conversation, each an agent's own; trying an agent out."""

from crewhall.migrations.runner import run_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Run 0016_context.sql."""
    run_sql(__file__)
