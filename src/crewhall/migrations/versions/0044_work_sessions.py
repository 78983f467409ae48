"""Work sessions: one open per agent, unchangeable once stopped; what agents tell of belongs to theirs."""

from crewhall.migrations.runner import run_sql

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    """Run 0044_work_sessions.sql."""
    run_sql(__file__)
