"""Everything the first version stands on."""

from crewhall.migrations.runner import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run 0001_foundation.sql."""
    run_sql(__file__)
