"""What is shown to who runs an installation: its processes, what waits, how far followers of the log are."""

from crewhall.migrations.runner import run_sql

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    """Run 0056_installation.sql."""
    run_sql(__file__)
