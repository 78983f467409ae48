"""What the wiki says of one project; more kinds of files whose text is found."""

from crewhall.migrations.runner import run_sql

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Run 0048_wiki_of_projects.sql."""
    run_sql(__file__)
