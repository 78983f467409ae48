"""Messages by meaning: vectors of messages, derived behind the log, and the search among them."""

from crewhall.migrations.runner import run_sql

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Run 0039_message_meaning.sql."""
    run_sql(__file__)
