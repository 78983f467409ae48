"""A repair of what follows from records looks at the last one, too."""

from crewhall.migrations.runner import run_sql

revision = "0060"
down_revision = "0059"


def upgrade() -> None:
    """Run 0060_repaired_to_the_last.sql."""
    run_sql(__file__)
