"""Approvals, the tools' policy, for whom agents act, what agents remember."""

from crewhall.migrations.runner import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run 0011_approvals.sql."""
    run_sql(__file__)
