"""Search in knowledge: by words, by meaning, within the caller's reach."""

from crewhall.migrations.runner import run_sql

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Run 0032_search.sql."""
    run_sql(__file__)
