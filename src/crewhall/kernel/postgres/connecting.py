"""Connecting to a database that somebody else runs, with errors that say what is wrong in words."""

from typing import LiteralString

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.errors import DATABASE_REFUSED, DATABASE_UNREACHABLE, DATABASE_VERSION, failure
from crewhall.kernel.postgres.urls import masked

OLDEST_SERVER = 150000

MENDS: dict[str, str] = {
    "password authentication failed": "Check the user and the password in the address.",
    "no password supplied": "Put the password into the address.",
    "no pg_hba.conf entry": "Allow this machine in the server's pg_hba.conf, or ask for TLS with ?sslmode=require.",
    "could not translate host name": "Check the host name in the address.",
    "failed to resolve host": "Check the host name in the address.",
    "Connection refused": "Check the host and the port, and that the server runs.",
    "No such file": "Check the folder of the socket in the address, and that the server runs.",
    "timeout expired": "Check the host, the port and the firewall between.",
    "unsupported startup parameter": "A connection pooler stands between: give the server's own address.",
    "too many connections": "Raise max_connections on the server, or lower CREWHALL_DATABASE_POOL.",
    "remaining connection slots": "Raise max_connections on the server, or lower CREWHALL_DATABASE_POOL.",
    "does not exist": "Create it, or correct the address.",
}


def connect(url: str, setting: str) -> Connection[TupleRow]:
    """Connect in autocommit mode to a server that is new enough; `setting` is what the address was read from."""
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="crewhall")
    except psycopg.ProgrammingError:
        # libpq's own message may repeat the address with its password
        raise failure(
            DATABASE_REFUSED,
            f"{setting} is not an address that Postgres understands.",
            "Write it as postgresql://user:password@host:5432/database.",
        ) from None
    except psycopg.OperationalError as error:
        raise _unreachable(url, setting, said_by(error)) from error
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        connection.close()
        raise failure(
            DATABASE_VERSION,
            f"{setting} leads to Postgres {version}; Crewhall needs 15 or newer.",
            "Upgrade the server, or leave the setting out to use the built-in Postgres.",
        )
    return connection


def ask(connection: Connection[TupleRow], query: LiteralString, **parameters: object) -> TupleRow:
    """The only row of a query."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row


def said_by(error: psycopg.Error) -> str:
    """What the server or libpq said, on one line, without the questions that libpq adds and without the last stop."""
    lines = (line.strip() for line in str(error).splitlines())
    said = "; ".join(line.rstrip(".") for line in lines if line and not line.endswith("?"))
    return said.removeprefix("connection failed: ").removeprefix("connection is bad: ")


def _unreachable(url: str, setting: str, said: str) -> CrewhallError:
    mend = next((mend for words, mend in MENDS.items() if words in said), "Check the address and the server's log.")
    return failure(DATABASE_UNREACHABLE, f"{setting} ({masked(url)}) cannot be reached: {said}.", mend)
