"""Jobs: procrastinate's tables and functions, as its package has them, for the application to use."""

from importlib.util import find_spec
from pathlib import Path

from alembic import op
from psycopg import Connection
from psycopg.rows import TupleRow

from crewhall.migrations.runner import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run procrastinate's schema (pyproject.toml holds the version that this revision means), then 0009_jobs.sql."""
    connection: Connection[TupleRow] = op.get_bind().connection.driver_connection  # type: ignore[assignment]
    connection.execute(_schema())
    run_sql(__file__)


def _schema() -> bytes:
    """The file's text. Importing the package for it would cost each first start a quarter of a second, and memory."""
    found = find_spec("procrastinate")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("sql").joinpath("schema.sql").read_bytes()
