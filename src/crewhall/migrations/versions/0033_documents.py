"""Documents of attached files, their turn to be worked on, what they are indexed with, and how long files are kept."""

from crewhall.migrations.runner import run_sql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Run 0033_documents.sql."""
    run_sql(__file__)
