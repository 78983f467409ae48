"""How calls that were asked about stand is found by their conversation."""

from crewhall.migrations.runner import run_sql

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Run 0035_standings.sql."""
    run_sql(__file__)
