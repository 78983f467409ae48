"""Best matches, quicker: words, meaning, and tasks where there are none."""

from crewhall.migrations.runner import run_sql

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    """Run 0059_quicker_matches.sql."""
    run_sql(__file__)
