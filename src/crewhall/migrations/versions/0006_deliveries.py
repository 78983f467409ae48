"""Deliveries show their message as it is now."""

from crewhall.migrations.runner import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run 0006_deliveries.sql."""
    run_sql(__file__)
