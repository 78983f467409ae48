"""Jobs: procrastinate's tables and functions, as its package has them, for the application to use."""

from alembic import op
from procrastinate.schema import SchemaManager
from psycopg import Connection
from psycopg.rows import TupleRow

from crewhall.migrations.runner import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run procrastinate's schema (pyproject.toml holds the version that this revision means), then 0009_jobs.sql."""
    connection: Connection[TupleRow] = op.get_bind().connection.driver_connection  # type: ignore[assignment]
    connection.execute(SchemaManager.get_schema().encode())
    run_sql(__file__)
