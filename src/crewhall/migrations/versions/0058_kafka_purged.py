"""Kafka and what goes for good: a purge takes topics along, a repair what follows, a refusal names its place."""

from crewhall.migrations.runner import run_sql

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    """Run 0058_kafka_purged.sql."""
    run_sql(__file__)
