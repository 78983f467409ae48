"""What each applied revision consisted of: a database made by other SQL than this code's is told from ours.

A released revision never changes. Between releases one may, and a database that was made before lacks what the code
relies on although it is at the right revision.
"""

import hashlib
from pathlib import Path
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import TupleRow

MAKE_TABLE: LiteralString = """
create table if not exists public.revision_digests (revision text primary key, digest text not null);
comment on table public.revision_digests is 'no-rls: what the schema was made of, no tenant data';
"""
RECORD: LiteralString = """
insert into public.revision_digests values (%(revision)s, %(digest)s)
on conflict (revision) do update set digest = excluded.digest
"""
HAS_TABLE: LiteralString = "select to_regclass('public.revision_digests') is not null"
RECORDED: LiteralString = "select revision, digest from public.revision_digests"


def digest_of(directory: Path, revision: str) -> str:
    """The digest of a revision's SQL as this code has it."""
    (path,) = (directory / "versions").glob(f"{revision}_*.sql")
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def record_digest(connection: Connection[TupleRow], directory: Path, revision: str) -> None:
    """Note a revision that is being applied, in its transaction."""
    connection.execute(MAKE_TABLE)
    connection.execute(RECORD, {"revision": revision, "digest": digest_of(directory, revision)})


def changed_revision(connection: Connection[TupleRow], directory: Path, applied: list[str]) -> str | None:
    """The first applied revision that was made of other SQL than this code has, or None."""
    there = connection.execute(HAS_TABLE).fetchone()
    if there is None or not there[0]:
        return applied[0] if applied else None
    recorded = {str(row[0]): str(row[1]) for row in connection.execute(RECORDED).fetchall()}
    return next((one for one in applied if recorded.get(one) != digest_of(directory, one)), None)
