"""Pages of the timeline by mentions, labels and words: only the months that are looked at are planned for."""

from crewhall.migrations.runner import run_sql

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    """Run 0057_quicker_timeline.sql."""
    run_sql(__file__)
