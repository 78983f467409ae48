"""What the wiki says of one project; more kinds of files whose text is found."""

from crewhall.migrations.runner import run_sql

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Run 0043_wiki_of_projects.sql."""
    run_sql(__file__)
