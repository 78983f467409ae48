"""What can go wrong between Crewhall and its Postgres, each with the way out in `fields["mend"]`."""

from crewhall.kernel.errors import CrewhallError, ErrorKind, define_error

DATABASE_UNREACHABLE = define_error("database_unreachable", 503, "The database cannot be reached")
DATABASE_REFUSED = define_error("database_refused", 503, "The database is not prepared for Crewhall")
DATABASE_VERSION = define_error("database_version", 503, "The database and the program do not fit together")
EMBEDDED_POSTGRES = define_error("embedded_postgres", 503, "The built-in Postgres could not do its work")
MIGRATION_FAILED = define_error("migration_failed", 503, "The database could not be migrated")


def failure(kind: ErrorKind, what: str, mend: str) -> CrewhallError:
    """Make an error whose detail says what happened and then what to do; the mend is also a field of its own."""
    return kind(f"{what} {mend}", mend=mend)
