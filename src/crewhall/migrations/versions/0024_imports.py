"""Imports: conversations of another product, with their times, people and files."""

from crewhall.migrations.runner import run_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Run 0024_imports.sql."""
    run_sql(__file__)
