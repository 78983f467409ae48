"""The wiki: entries in versions that never change, what everybody reads of them, links, views, their documents."""

from crewhall.migrations.runner import run_sql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Run 0034_wiki.sql."""
    run_sql(__file__)
