"""Alembic's entry: runs on the connection that `crewhall.kernel.postgres.migrate` hands over, and on no other."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
