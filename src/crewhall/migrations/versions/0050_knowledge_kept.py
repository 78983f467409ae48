"""Where pages of the web were read; entries of the wiki that move between projects and the organization."""

from crewhall.migrations.runner import run_sql

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Run 0050_knowledge_kept.sql."""
    run_sql(__file__)
