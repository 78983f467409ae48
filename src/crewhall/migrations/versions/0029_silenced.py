"""Who has nothing left to spend, and until when; webhooks whose agent does not answer; who is deactivated."""

from crewhall.migrations.runner import run_sql

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Run 0029_silenced.sql."""
    run_sql(__file__)
