"""Conversations: who is due a delivery, and how far consumers lag."""

from crewhall.migrations.runner import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run 0005_conversations.sql."""
    run_sql(__file__)
