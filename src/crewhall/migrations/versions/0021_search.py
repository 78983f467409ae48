"""Search by author, conversation, kind, files and date; languages without spaces by pairs; a changed language."""

from crewhall.migrations.runner import run_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Run 0021_search.sql."""
    run_sql(__file__)
