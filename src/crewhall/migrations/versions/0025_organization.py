"""People who are deactivated and come back, links with limits, offers of ownership, what an organization looks like."""

from crewhall.migrations.runner import run_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Run 0025_organization.sql."""
    run_sql(__file__)
