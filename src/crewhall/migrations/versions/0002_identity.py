"""What identity answers before the organization is known."""

from crewhall.migrations.runner import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run 0002_identity.sql."""
    run_sql(__file__)
