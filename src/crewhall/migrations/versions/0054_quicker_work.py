"""The next task in one trip to the database; pages of the timeline by two filters that seldom meet."""

from crewhall.migrations.runner import run_sql

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    """Run 0054_quicker_work.sql."""
    run_sql(__file__)
