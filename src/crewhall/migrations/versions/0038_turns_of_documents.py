"""Fair turns of documents, what is told of them, texts that no model reads, search rewritten in another language."""

from crewhall.migrations.runner import run_sql

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Run 0038_turns_of_documents.sql."""
    run_sql(__file__)
