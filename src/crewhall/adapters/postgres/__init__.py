"""The message log on Postgres."""
