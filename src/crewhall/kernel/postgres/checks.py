"""What `crewhall doctor` asks of the database: each finding says what it saw and, when it is not well, the mend."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.connecting import ask, connect
from crewhall.kernel.postgres.dba import dba_sql
from crewhall.kernel.postgres.external import refuse_ddl, refuse_powerful
from crewhall.kernel.postgres.migrate import DIRECTORY, current_revision, pending_revisions
from crewhall.kernel.postgres.provision import EXTENSIONS, EXTENSIONS_NOW
from crewhall.kernel.postgres.urls import DatabaseUrls

LISTEN = sql.SQL("listen {}")
LISTEN_SECONDS = 2.0
SPARE_CONNECTIONS = 20

ROOM: LiteralString = """
select current_setting('max_connections')::int - (select count(*) from pg_stat_activity where datid is not null)
"""


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, what was seen, and what to do when it is not.

    A warning does no harm where it stands, and may still not be what was meant.
    """

    name: str
    ok: bool
    detail: str
    mend: str = ""
    warning: bool = False


def check_database(urls: DatabaseUrls, directory: Path = DIRECTORY) -> list[Finding]:
    """Check the database at these addresses; never raises for what is wrong with it, and changes nothing."""
    findings: list[Finding] = []
    with ExitStack() as open_connections:
        links = {}
        for name, url in (("application", urls.app), ("admin", urls.admin)):
            try:
                links[name] = open_connections.enter_context(connect(url, f"the {name} address"))
            except CrewhallError as error:
                findings.append(refusal(f"{name} connection", error))
            else:
                seen = f"Postgres {ask(links[name], 'show server_version')[0]}"
                if name == "admin" and urls.admin == urls.app:
                    seen = "none is given: somebody else migrates"
                findings.append(Finding(f"{name} connection", ok=True, detail=seen))
        if len(links) == 2:  # noqa: PLR2004 - both
            findings.extend(_look(links["application"], links["admin"], urls, directory))
    return findings


def _look(
    app: Connection[TupleRow], admin: Connection[TupleRow], urls: DatabaseUrls, directory: Path
) -> Iterator[Finding]:
    yield _tried("row-level security", lambda: refuse_powerful(app), f"{app.info.user} obeys it")
    yield _tried("application rights", lambda: refuse_ddl(app), f"{app.info.user} cannot change the schema")
    yield _extensions(admin)
    yield _encoding(admin)
    yield _migrations(admin, directory)
    yield _connections(app)
    yield _listening(app, urls)


def _tried(name: str, check: Callable[[], None], well: str) -> Finding:
    try:
        check()
    except CrewhallError as error:
        return refusal(name, error)
    return Finding(name, ok=True, detail=well)


def refusal(name: str, error: CrewhallError) -> Finding:
    """The finding that an error makes: its mend is said once."""
    mend = str(error.fields.get("mend", ""))
    return Finding(name, ok=False, detail=error.detail.removesuffix(mend).strip(), mend=mend)


def _extensions(admin: Connection[TupleRow]) -> Finding:
    there = {row[0] for row in admin.execute(EXTENSIONS_NOW).fetchall()}
    missing = [extension for extension in EXTENSIONS if extension not in there]
    if missing:
        mend = f"Have a database administrator run:\n\n{dba_sql(admin.info.dbname)}"
        return Finding("extensions", ok=False, detail=f"missing: {', '.join(missing)}", mend=mend)
    return Finding("extensions", ok=True, detail=", ".join(EXTENSIONS))


def _encoding(admin: Connection[TupleRow]) -> Finding:
    encoding = str(ask(admin, "show server_encoding")[0])
    mend = "" if encoding == "UTF8" else "Make the database again with `encoding 'UTF8' template template0`."
    return Finding("encoding", ok=not mend, detail=encoding, mend=mend)


def _migrations(admin: Connection[TupleRow], directory: Path) -> Finding:
    try:
        missing = pending_revisions(admin, directory)
    except CrewhallError as error:
        return refusal("migrations", error)
    if missing:
        return Finding("migrations", ok=False, detail=f"pending: {', '.join(missing)}", mend="Start Crewhall once.")
    return Finding("migrations", ok=True, detail=f"at revision {current_revision(admin)}")


def _connections(app: Connection[TupleRow]) -> Finding:
    room = int(ask(app, ROOM)[0])
    mend = "" if room >= SPARE_CONNECTIONS else "Raise max_connections, or close what else is connected."
    return Finding("connections", ok=not mend, detail=f"{room} free", mend=mend)


def _listening(app: Connection[TupleRow], urls: DatabaseUrls) -> Finding:
    """Send ourselves a notification from a second connection: a transaction pooler loses it."""
    channel = f"crewhall_check_{uuid.uuid4().hex}"
    app.execute(LISTEN.format(sql.Identifier(channel)))
    try:
        with psycopg.connect(urls.app, autocommit=True, connect_timeout=10) as other:
            other.execute("select pg_notify(%(channel)s, '')", {"channel": channel})
        heard = any(True for _ in app.notifies(timeout=LISTEN_SECONDS, stop_after=1))
        app.execute(sql.SQL("unlisten {}").format(sql.Identifier(channel)))
    except psycopg.Error as error:
        return Finding("notifications", ok=False, detail=str(error).strip(), mend="Look at the server's log.")
    if heard:
        return Finding("notifications", ok=True, detail="LISTEN works")
    mend = "Give the address of the server itself, or of a pooler in session mode."
    return Finding(
        "notifications", ok=False, detail="LISTEN hears nothing: a transaction pooler stands between", mend=mend
    )
