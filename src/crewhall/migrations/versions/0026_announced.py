"""Triggers derived and announced in one statement."""

from crewhall.migrations.runner import run_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Run 0026_announced.sql."""
    run_sql(__file__)
