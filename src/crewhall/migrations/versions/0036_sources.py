"""Sources of agents' knowledge, what they hold, and how often they were gone through."""

from crewhall.migrations.runner import run_sql

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Run 0036_sources.sql."""
    run_sql(__file__)
