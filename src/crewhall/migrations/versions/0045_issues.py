"""GitHub's issues become tasks: who is who there, projects of repositories, pull requests of tasks, comments."""

from crewhall.migrations.runner import run_sql

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    """Run 0045_issues.sql."""
    run_sql(__file__)
