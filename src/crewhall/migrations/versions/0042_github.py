"""GitHub: connections, the deliveries of its webhooks, the mirror of repositories, changes that go out."""

from crewhall.migrations.runner import run_sql

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    """Run 0042_github.sql."""
    run_sql(__file__)
