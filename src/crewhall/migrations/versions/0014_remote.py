"""Agents that are served at an address of their own: their runtimes, the calls to them, the answers that come later."""

from crewhall.migrations.runner import run_sql

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    """Run 0014_remote.sql."""
    run_sql(__file__)
