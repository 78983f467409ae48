"""What follows from work: comments that go out, what became of pull requests, counts of projects, tasks by meaning."""

from crewhall.migrations.runner import run_sql

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Run 0049_work_followed.sql."""
    run_sql(__file__)
