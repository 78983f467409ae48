"""Drafts, and messages that are posted later."""

from crewhall.migrations.runner import run_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Run 0019_words.sql."""
    run_sql(__file__)
