"""Apps that people let in through MCP, and tools of MCP servers that organizations add."""

from crewhall.migrations.runner import run_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Run 0015_mcp.sql."""
    run_sql(__file__)
