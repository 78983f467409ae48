"""Files: blobs, uploads, what is attached to messages, and what of it is to be removed."""

from crewhall.migrations.runner import run_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Run 0017_files.sql."""
    run_sql(__file__)
