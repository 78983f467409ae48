"""The timeline: events that never change, in partitions by month, and who sees which."""

from crewhall.migrations.runner import run_sql

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Run 0041_timeline.sql."""
    run_sql(__file__)
