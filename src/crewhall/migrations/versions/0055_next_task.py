"""The next task in one trip to the database."""

from crewhall.migrations.runner import run_sql

revision = "0055"
down_revision = "0048"


def upgrade() -> None:
    """Run 0055_next_task.sql."""
    run_sql(__file__)
