"""Moving to Kafka and back without a gap: who may change the engine, what a topic is called, what comes too late."""

from crewhall.migrations.runner import run_sql

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    """Run 0055_kafka_kept.sql."""
    run_sql(__file__)
