"""Another embedding model comes while searches go on with the one before."""

import asyncio
from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import pytest

from crewhall.kernel.actor import system_actor
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.work import claim
from crewhall.ports.embedder import Vector
from tests.documents.ground import Hashing, attached, ended, finish, means, working
from tests.documents.test_worker import Paragraphs, chunk_ids, statuses
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until


@pytest.mark.rule("B10")
async def test_another_model_is_brought_in_behind_the_searches_backs(cluster: SharedCluster, worker_id: str):
    async with Server(cluster.clone(f"models_{worker_id}")) as server:
        await bring_another_model(server, await server.make_org())


async def bring_another_model(server: Server, org: Org) -> None:
    document = await attached(server, org, b"whatever", "long.txt")
    async with working(server, means(server, embedder=Hashing("first"), extractor=Paragraphs(100))):
        await ended(org, document)
    ids, second = await chunk_ids(org, document), Hashing("second", 1536)

    async def asked_model() -> Any:
        async with server.db.transaction(system_actor(org.id)) as tx:
            return await tx.value("select searched_model()")

    async def kept() -> list[Any]:
        async with server.db.transaction(system_actor(org.id)) as tx:
            former = await tx.value("select count(*) from embeddings_384")
            return [former, await tx.value("select count(*) from embeddings_1536")]

    assert await asked_model() == "first"

    async def is_through() -> bool:
        return bool(await asked_model() == "second" and (await kept())[0] == 0)

    async with working(server, means(server, embedder=second)):
        await until(is_through)
    shown = (await org.owner.api.get(f"/documents/{document}")).json()
    assert (shown["status"], await chunk_ids(org, document), await kept()) == ("ready", ids, [0, len(ids)])
    # a process that still had the first model finishes a document after all others have gone on
    late = await attached(server, org, b"something else", "late.txt")
    async with server.db.transaction(system_actor(org.id)) as tx:
        work = await claim(tx, UUID(late))
    assert work is not None
    await finish(means(server, embedder=Hashing("first"), extractor=Paragraphs(3)), work)
    assert (await kept())[0] == 3
    async with working(server, means(server, embedder=second)):
        await until(is_through)
    ids += await chunk_ids(org, late)
    assert (await kept()) == [0, len(ids)]
    asked = len(second.asked)
    async with working(server, means(server, embedder=second)) as worker:
        await worker.look()
        assert len(second.asked) == asked, "nothing is embedded again"


@pytest.mark.rule("B10")
async def test_what_is_new_while_a_model_comes_is_found_by_both_and_goes_first(cluster: SharedCluster, worker_id: str):
    async with Server(cluster.clone(f"coming_{worker_id}")) as server:
        await find_while_a_model_comes(server, await server.make_org())


async def find_while_a_model_comes(server: Server, org: Org) -> None:
    first = Hashing("first")
    old = [await attached(server, org, f"old {number}".encode(), f"{number}.txt") for number in range(2)]
    async with working(server, means(server, embedder=first, extractor=Paragraphs(3))):
        for one in old:
            await ended(org, one)
    under_way = await attached(server, org, b"under way", "way.txt")
    async with server.db.transaction(system_actor(org.id)) as tx:
        work = await claim(tx, UUID(under_way))
        assert work is not None
    gate = asyncio.Event()

    class Gated(Hashing):
        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            await gate.wait()
            return await super().embed(texts)

    async def one_of(statement: LiteralString) -> Any:
        async with server.db.transaction(system_actor(org.id)) as tx:
            return await tx.value(statement)

    coming = Gated("second", 1536)
    async with working(server, means(server, embedder=coming, former=[first], extractor=Paragraphs(3)), at_once=1):

        async def is_coming() -> bool:
            return bool(await one_of("select coming = 'second' from knowledge_indexes"))

        await until(is_coming)
        new = await attached(server, org, b"new", "new.txt")

        async def is_found_by_the_first() -> bool:
            new_one = "select count(*) = 3 from embeddings_384 e join documents d on d.id = e.document_id"
            return bool(await one_of(new_one + " where d.name = 'new.txt'"))

        await until(is_found_by_the_first)
        assert await one_of("select searched_model()") == "first"
        search = KnowledgeSearch(server.db, [Hashing("second", 1536), first], messages_by_meaning=False)
        found = (await search.search(org.owner.actor, "paragraph 1.")).found
        assert {one.document_id for one in found if one.likeness is not None} == {UUID(one) for one in (*old, new)}
        # a process that has the former model still finishes what it was at: it is brought up to the other later
        await finish(means(server, embedder=first, extractor=Paragraphs(3)), work)
        assert await one_of("select model from knowledge_indexes") == "first"
        assert await one_of("select look_at is not null from documents where name = 'way.txt'")
        gate.set()

        async def is_through() -> bool:
            settled = "select model = 'second' and coming is null from knowledge_indexes"
            return bool(await one_of(settled) and not await one_of("select count(*) from embeddings_384"))

        await until(is_through)
    assert await statuses(org, *old, under_way, new) == ["ready"] * 4
    assert await one_of("select count(*) from embeddings_384") == 0
    assert await one_of("select count(*) from embeddings_1536") == 12
    async with server.db.transaction(None) as tx:
        turn = "select count(*) from next_documents(9, 'first', 'embedding')"
        await tx.run("select queue_outdated('third', 384, 1)")
        assert await tx.value(turn) == 0, "who has a former model leaves them to who has the next"
        assert await tx.value("select count(*) from next_documents(9, 'third', 'embedding')") == 1
