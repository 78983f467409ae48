"""Tokens that people make for their programs, and what callers at the OpenAI door asked."""

from crewhall.migrations.runner import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run 0012_wire.sql."""
    run_sql(__file__)
