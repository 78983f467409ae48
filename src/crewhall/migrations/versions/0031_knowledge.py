"""Knowledge: documents, the chunks they are read in, and what these mean as vectors."""

from crewhall.migrations.runner import run_sql

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Run 0031_knowledge.sql."""
    run_sql(__file__)
