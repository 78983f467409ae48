"""What is refused, what is passed by, and what nobody is told: passages, pictures, room, hidden places."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import SET_SCOPE, scope_of
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from crewhall.knowledge import documents
from crewhall.knowledge.embedding import STUBBORN
from crewhall.knowledge.pictures import MOST_WAITING_EACH, PICTURES_BUSY, Pictures
from tests.documents.ground import Hashing, attached, ended, means, working
from tests.documents.test_worker import Paragraphs
from tests.files.making import post, sent
from tests.identity.hall import Org
from tests.knowledge.library import texts
from tests.support.database import SharedCluster
from tests.support.pdfs import Sheet, column, pdf
from tests.support.server import Server
from tests.support.waiting import until


async def count(server: Server, org: Org) -> int:
    """How many passages have vectors."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        return int(await tx.value("select count(*) from embeddings_384"))


@pytest.mark.rule("B8")
async def test_a_passage_that_the_model_refuses_is_found_by_its_words_and_holds_nothing_up(server: Server, org: Org):
    document = await attached(server, org, b"whatever", "odd.txt")
    embedder = Hashing(refuses="Paragraph 70.")
    async with working(server, means(server, embedder=embedder, extractor=Paragraphs(100))):
        found = await ended(org, document)
    assert (found["status"], found["chunks"], found["words_only"]) == ("ready", 100, 1)
    assert await count(server, org) == 99
    assert await texts(org.owner, '"Paragraph 70"') == ["Paragraph 70.\n\n"]


async def test_what_is_away_is_not_taken_for_a_refusal_until_it_stays_away_from_one_text(server: Server, org: Org):
    document = await attached(server, org, b"whatever", "odd.txt")
    embedder = Hashing(refuses="Paragraph 3.", refusal=UNAVAILABLE("Its process ends."))

    async def put_off() -> dict[str, Any] | None:
        found: dict[str, Any] = (await org.owner.api.get(f"/documents/{document}")).json()
        return found if found["next_try_at"] else None

    async with working(server, means(server, embedder=embedder, extractor=Paragraphs(5))):
        waiting = await until(put_off)
        assert (waiting["status"], waiting["retries"]) == ("embedding", 1)
        async with server.db.transaction(system_actor(org.id)) as tx:
            later = "update documents set retries = %(retries)s, look_at = now() where id = %(id)s"
            await tx.run(later, {"id": document, "retries": STUBBORN})
            await tx.notify("crewhall_documents", "")
        found = await ended(org, document)
    assert (found["status"], found["words_only"], found["retries"]) == ("ready", 1, 0)
    assert await count(server, org) == 4


async def test_nothing_is_said_to_be_away_while_it_is_worked_on(server: Server, org: Org):
    document = await attached(server, org, b"whatever", "long.txt")
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run("update documents set retries = 3 where id = %(id)s", {"id": document})
    slow = Paragraphs(9, stops_at=0)
    async with working(server, means(server, extractor=slow)):
        await slow.stopped.wait()
        found = (await org.owner.api.get(f"/documents/{document}")).json()
    assert (found["status"], found["retries"], found["next_try_at"]) == ("extracting", 3, None)


@pytest.mark.rule("B8")
async def test_an_organization_has_no_more_passages_than_it_may(server: Server, org: Org, other_org: Org):
    first = await attached(server, org, b"whatever", "first.txt")
    async with working(server, means(server, extractor=Paragraphs(80), most_chunks=100)):
        assert (await ended(org, first))["status"] == "ready"
        second = await attached(server, org, b"something else", "second.txt")
        found = await ended(org, second)
        assert (found["status"], found["failure_code"], found["chunks"]) == ("failed", "knowledge_full", 0)
        assert "CREWHALL_ORGANIZATION_PASSAGES" in found["failure"]
        assert (await org.owner.api.get(f"/documents/{second}/chunks")).json()["items"] == [], "none takes up room"
        elsewhere = await attached(server, other_org, b"whatever", "first.txt")
        assert (await ended(other_org, elsewhere))["status"] == "ready", "each has room of its own"


async def test_so_many_pictures_are_waited_for_and_no_more(server: Server, org: Org):
    document = await attached(server, org, pdf([Sheet(column(["A pump."]))]), "pumps.pdf")
    given = means(server)
    async with working(server, given):
        await ended(org, document)
    drawn = asyncio.Event()

    class Slow(Paragraphs):
        async def render_page(self, path: Any, media_type: str, page: int, width: int) -> bytes:
            await drawn.wait()
            return b"drawn"

    pictures = Pictures(means(server, extractor=Slow(0)))
    asked = [
        asyncio.create_task(pictures.show(org.owner.actor, UUID(document), 1, 200))
        for _ in range(MOST_WAITING_EACH + 1)
    ]
    over, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    (refused,) = [one.exception() for one in over]
    assert isinstance(refused, CrewhallError)
    assert (refused.kind, refused.kind.status) == (PICTURES_BUSY, 429)
    drawn.set()
    assert [await one for one in asked if one not in over] == [b"drawn"] * MOST_WAITING_EACH
    assert await pictures.show(org.owner.actor, UUID(document), 1, 200) == b"drawn"


@pytest.mark.rule("B1")
async def test_who_sends_the_same_bytes_learns_nothing_of_who_had_them_before(server: Server, org: Org):
    private, friend = await server.channel(org.owner, type="private"), await org.add()
    document = await attached(server, org, b"# Plans\n\nWe buy the mill.", "secret name.md", private)
    hidden = (await org.owner.api.get(f"/documents/{document}")).json()["origins"][0]["file_id"]
    async with working(server, means(server, embedder=Hashing())):
        await ended(org, document)
    with_times = (await org.owner.api.get(f"/documents/{document}")).json()
    general = await server.general(org)
    file = await sent(friend, general, b"# Plans\n\nWe buy the mill.", "mine.md")
    await post(friend, general, file)
    shown = (await friend.api.get(f"/documents/{document}")).json()
    posted = (await friend.api.get(f"/files/{file['id']}")).json()["created_at"]
    assert shown["created_at"] > posted > with_times["ready_at"] > with_times["created_at"]
    assert shown["ready_at"] >= posted
    assert shown["id"][14] == "4", "a document's id holds no time"
    chunks = (await friend.api.get(f"/documents/{document}/chunks")).json()["items"]
    assert {one["id"][14] for one in chunks} == {"4"}
    assert len(await texts(friend, "mill", since=posted)) == len(chunks)
    assert await texts(friend, "mill", until=posted, kinds="file") == []
    assert (await friend.api.get("/documents", params={"file": hidden})).json()["items"] == []
    assert "secret" not in f"{shown} {chunks}"


FRESH = """
with made as (select n, gen_random_uuid() as id, sha256(n::text::bytea) as sha from generate_series(1, 3000) n
), blob as (insert into blobs (org_id, sha256, key, size) select %(org)s, sha, 'fresh/' || id, 1 from made
), file as (
    insert into files (
        id, org_id, conversation_id, created_by_type, created_by, name, media_type, size, sha256, attached_at)
    select id, %(org)s, %(place)s, 'user', %(owner)s, 'x' || n, 'application/x-test', 1, sha, now() from made
), document as (
    insert into documents (id, org_id, sha256, media_type, name, size, status, chunks, ready_at)
    select id, %(org)s, sha, 'application/x-test', 'x', 1, 'ready', 1, now() from made)
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id, created_at)
select id, %(org)s, id, 'file', id, %(place)s, now() - n * interval '1 second' from made
"""


UNKNOWN = """
delete from pg_statistic where starelid in ('documents'::regclass, 'document_origins'::regclass, 'files'::regclass);
update pg_class set reltuples = -1, relpages = 0
where oid in ('documents'::regclass, 'document_origins'::regclass, 'files'::regclass)
"""
"""As if nobody had ever looked at these tables: what other tests left there may have been analysed by now."""


@pytest.mark.rule("B10")
async def test_a_list_of_thousands_that_nobody_has_analysed_looks_at_a_page_of_them(
    server: Server, org: Org, cluster: SharedCluster, worker_id: str
):
    place = await server.general(org)
    values = {"org": org.id, "owner": org.owner.id, "place": place, "limit": 51}
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:  # statistics see nothing of it
        connection.execute(FRESH, values)
        connection.execute(UNKNOWN)
        connection.execute("set role crewhall_app")
        connection.execute(SET_SCOPE, scope_of(org.owner.actor))
        values |= dict.fromkeys(("before", "before_id", "conversation", "files", "status", "q"))
        assert len(connection.execute(documents._LIST, values).fetchall()) == 51
        explained = b"explain (analyze, buffers, format json) " + documents._LIST.encode()
        plan = connection.execute(explained, values).fetchone()
        connection.rollback()
    assert plan is not None
    assert plan[0][0]["Plan"]["Shared Hit Blocks"] < 4000, plan[0][0]["Execution Time"]
