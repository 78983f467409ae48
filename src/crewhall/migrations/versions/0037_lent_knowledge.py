"""Knowledge that is lent with an agent, folders that are watched, and what a sync left out."""

from crewhall.migrations.runner import run_sql

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Run 0037_lent_knowledge.sql."""
    run_sql(__file__)
