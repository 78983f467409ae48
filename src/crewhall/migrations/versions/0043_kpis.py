"""KPIs and trust: what counts for an agent, the figures that are made of it, metrics of roles."""

from crewhall.migrations.runner import run_sql

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Run 0043_kpis.sql."""
    run_sql(__file__)
