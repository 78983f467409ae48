"""The next task in one trip to the database; pages of the timeline by two filters that seldom meet."""

from crewhall.migrations.runner import run_sql

revision = "0055"
down_revision = "0048"


def upgrade() -> None:
    """Run 0055_quicker_work.sql."""
    run_sql(__file__)
