"""Kinds of processes; a batch of many conversations names them all."""

from crewhall.migrations.runner import run_sql

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    """Run 0053_processes.sql."""
    run_sql(__file__)
