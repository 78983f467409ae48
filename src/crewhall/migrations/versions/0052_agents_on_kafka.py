"""Agents on Kafka: the topics of each that asks for them, and how far they were given what is for them."""

from crewhall.migrations.runner import run_sql

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    """Run 0052_agents_on_kafka.sql."""
    run_sql(__file__)
