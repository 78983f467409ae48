"""Steps of versions: what the machine allows is what the database takes, whatever is tried in whatever order."""

from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.errors import CheckViolation, InsufficientPrivilege
from psycopg.rows import TupleRow

from crewhall.kernel.ids import new_id
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_steps import FOLLOWS, may_follow
from tests.identity.hall import Org
from tests.support.server import Server

S = WikiStatus
INSERT: LiteralString = """
insert into wiki_entries (id, org_id, entry_id, parent_entry_id, version, status, title, content, author_type,
                          author_id, author_name, decided_by, reason, created_by)
values (%(id)s, %(org)s, %(entry)s, %(parent)s, 1, %(status)s, %(title)s, 'Words.', 'user', %(author)s, 'Ada',
        %(decided_by)s, 'So.', %(author)s)
"""
BEGIN: LiteralString = """
insert into wiki_heads (entry_id, org_id, slug, title) values (%(entry)s, %(org)s, %(slug)s, %(slug)s)
"""
tries = st.lists(st.tuples(st.sampled_from(S), st.integers(0, 7)), max_size=12)
"""A status, and which of the versions so far it follows (beyond them: none)."""


class Scribe:
    """Writes versions of one entry as the application role, as its author."""

    def __init__(self, connection: Connection[TupleRow], org: Org) -> None:
        self.connection, self.org, self.entry = connection, org, new_id()
        self.run(BEGIN)

    def run(self, sql: LiteralString, **values: Any) -> None:
        given = {"org": self.org.id, "entry": self.entry, "slug": str(self.entry), "author": self.org.owner.id}
        with self.connection.transaction():
            self.connection.execute(sql, given | values)

    def write(self, status: WikiStatus, parent: UUID | None, title: str = "A") -> UUID:
        version = new_id()
        decided_by = self.org.owner.id if status in {S.APPROVED, S.REJECTED} else None
        self.run(INSERT, id=version, parent=parent, status=str(status), decided_by=decided_by, title=title)
        return version


@pytest.fixture
def connection(server: Server, org: Org):
    with psycopg.connect(server.db.url, autocommit=True) as made:
        made.execute(
            """
            select set_config('crewhall.orgs', %s, false), set_config('crewhall.actor', %s, false),
                   set_config('crewhall.actor_type', 'user', false), set_config('crewhall.role', 'owner', false)
            """,
            (f"{{{org.id}}}", str(org.owner.id)),
        )
        yield made


def test_nothing_is_approved_that_did_not_wait():
    assert [before for before in FOLLOWS if may_follow(before, S.APPROVED)] == [S.PENDING]
    assert [before for before in FOLLOWS if may_follow(before, S.REJECTED)] == [S.PENDING]
    assert set(FOLLOWS) == {None, *S}


@pytest.mark.rule("D9")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries)
def test_the_database_takes_what_the_machine_allows(
    connection: Connection[TupleRow], org: Org, tries: list[tuple[WikiStatus, int]]
):
    scribe = Scribe(connection, org)
    known: list[tuple[UUID, WikiStatus]] = []
    followed: set[UUID] = set()
    approved: UUID | None = None
    for status, at in tries:
        parent, before = known[at] if at < len(known) else (None, None)
        is_open = parent == approved if before is S.APPROVED else parent not in followed
        may = may_follow(before, status) and (is_open if parent else not known)
        if not may:
            with pytest.raises(CheckViolation):
                scribe.write(status, parent)
            continue
        version = scribe.write(status, parent)
        known.append((version, status))
        if parent and before is not S.APPROVED:
            followed.add(parent)
        approved = version if status is S.APPROVED else approved
    rows = connection.execute(
        "select id, status from wiki_entries where entry_id = %s order by version", (scribe.entry,)
    ).fetchall()
    assert [(one, S(status)) for one, status in rows] == known
    head = connection.execute(
        "select approved_id, open, last_version from wiki_heads where entry_id = %s", (scribe.entry,)
    ).fetchone()
    open_ones = {one for one, status in known if status is not S.APPROVED and one not in followed}
    assert head is not None
    assert (head[0], set(head[1]), head[2]) == (approved, open_ones, len(known))


@pytest.mark.rule("D9")
def test_versions_never_change_and_who_decides_does_not_write(connection: Connection[TupleRow], org: Org):
    scribe = Scribe(connection, org)
    waiting = scribe.write(S.PENDING, None)
    with pytest.raises(CheckViolation, match="who decides does not write"):
        scribe.write(S.APPROVED, waiting, title="Other")
    for sql in ("update wiki_entries set title = 'B'", "delete from wiki_entries", "truncate wiki_entries"):
        with pytest.raises(InsufficientPrivilege):
            connection.execute(sql)


@pytest.mark.rule("D9")
async def test_sql_shows_nobody_elses_draft(connection: Connection[TupleRow], org: Org):
    scribe = Scribe(connection, org)
    draft = scribe.write(S.DRAFT, None)
    seen = "select count(*) from wiki_entries where id = %s"
    assert connection.execute(seen, (draft,)).fetchone() == (1,)
    connection.execute("select set_config('crewhall.actor', %s, false)", (str(new_id()),))
    assert connection.execute(seen, (draft,)).fetchone() == (0,)
