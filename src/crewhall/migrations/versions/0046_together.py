"""Tasks in the search box, tasks of messages, mentions on the timeline, and the one purge function."""

from crewhall.migrations.runner import run_sql

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Run 0046_together.sql."""
    run_sql(__file__)
