"""The message log: appending, reading, deriving, searching."""

from crewhall.migrations.runner import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run 0004_log.sql."""
    run_sql(__file__)
