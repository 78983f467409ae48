"""Handles and codes are kept apart."""

from crewhall.migrations.runner import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run 0007_names.sql."""
    run_sql(__file__)
