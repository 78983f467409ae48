"""What a schedule asked for and its agent did not answer: noted on the schedule, told to its maker."""

from crewhall.migrations.runner import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Run 0027_unanswered.sql."""
    run_sql(__file__)
