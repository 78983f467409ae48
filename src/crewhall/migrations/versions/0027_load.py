"""An index for what a large organization lists."""

from crewhall.migrations.runner import run_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Run 0027_load.sql."""
    run_sql(__file__)
