"""Places in long conversations and threads, what people save and star, and the switcher."""

from crewhall.migrations.runner import run_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Run 0020_reading.sql."""
    run_sql(__file__)
