"""What `deploy/` makes of a database, and `crewhall migrate`, which one process of several runs."""
