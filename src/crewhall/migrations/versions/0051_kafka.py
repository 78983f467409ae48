"""Where messages live on Kafka: topics, how far they are written into the read model, and what could not be."""

from crewhall.migrations.runner import run_sql

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    """Run 0051_kafka.sql."""
    run_sql(__file__)
