"""What every revision does: run the SQL file that lies beside it, as it is, in the revision's transaction."""

from pathlib import Path

from alembic import op
from psycopg import Connection
from psycopg.rows import TupleRow


def run_sql(revision_file: str) -> None:
    """Execute `NNNN_name.sql` next to `NNNN_name.py`; the driver takes many statements at once, nothing is split."""
    statements = Path(revision_file).with_suffix(".sql").read_bytes()
    connection: Connection[TupleRow] = op.get_bind().connection.driver_connection  # type: ignore[assignment]
    connection.execute(statements)
