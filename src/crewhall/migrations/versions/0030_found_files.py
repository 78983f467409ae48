"""Names of files are words of a search; filters take several values, and values that are left out."""

from crewhall.migrations.runner import run_sql

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Run 0030_found_files.sql."""
    run_sql(__file__)
