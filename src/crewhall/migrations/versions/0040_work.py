"""Projects and their tasks: the board, dependencies, the queue that agents take the next task from."""

from crewhall.migrations.runner import run_sql

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    """Run 0040_work.sql."""
    run_sql(__file__)
