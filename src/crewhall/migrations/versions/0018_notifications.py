"""Notifications of people and agents, how far they want them, digests by mail, devices that are told at once."""

from crewhall.migrations.runner import run_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Run 0018_notifications.sql."""
    run_sql(__file__)
