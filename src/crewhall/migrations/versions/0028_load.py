"""An index for what a large organization lists."""

from crewhall.migrations.runner import run_sql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Run 0028_load.sql."""
    run_sql(__file__)
