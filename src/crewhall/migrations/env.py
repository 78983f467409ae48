"""Alembic's entry: runs on the connection that `crewhall.kernel.postgres.migrate` hands over, and on no other."""

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from psycopg import Connection
from psycopg.rows import TupleRow

from crewhall.kernel.postgres.digests import record_digest


def _record(ctx: MigrationContext, step: MigrationInfo, **_: object) -> None:
    """Note what a revision consisted of, in its own transaction."""
    assert ctx.connection is not None
    assert step.up_revision_id is not None
    connection: Connection[TupleRow] = ctx.connection.connection.driver_connection  # type: ignore[assignment]
    record_digest(connection, context.config.attributes["directory"], step.up_revision_id)


context.configure(
    connection=context.config.attributes["connection"],
    transaction_per_migration=True,
    on_version_apply=_record,  # type: ignore[arg-type]
)
with context.begin_transaction():
    context.run_migrations()
