"""Groups that fall idle and archive themselves, and direct sessions that named people read along."""

from crewhall.migrations.runner import run_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Run 0022_rooms.sql."""
    run_sql(__file__)
