"""The schema, version by version: SQL files, and Alembic to run them in order."""
