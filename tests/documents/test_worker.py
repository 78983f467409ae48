"""The worker goes on where another stopped or died, takes turns between organizations, and follows the model."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from crewhall.conversations.file_store import FileStore
from crewhall.conversations.sweeping import Sweeper
from crewhall.kernel.actor import system_actor
from crewhall.knowledge.embedding import BATCH, PORTIONS
from crewhall.knowledge.passages import About, Chunk, Progress
from crewhall.knowledge.turns import Turn, who_makes_way
from crewhall.knowledge.vocabulary import DocumentStatus
from crewhall.knowledge.work import ROUND, Work, claim
from crewhall.ports.embedder import Vector
from tests.documents.ground import Hashing, attached, ended, file_of, means, working
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until


class Paragraphs:
    """Gives so many paragraphs; stands still behind one of them until it may go on."""

    def __init__(self, count: int, stops_at: int | None = None) -> None:
        self._count = count
        self._stops_at = stops_at
        self.stopped = asyncio.Event()

    async def chunks(self, _path: Path, _media_type: str, _name: str) -> AsyncIterator[Chunk | Progress | About]:
        at = 0
        for number in range(self._count):
            if number == self._stops_at:
                self.stopped.set()
                await asyncio.Event().wait()
            text = f"Paragraph {number}.\n\n"
            yield Chunk(position=number, content=text, overlap=0, page=None, heading=[], starts=at, ends=at + len(text))
            at += len(text)

    async def render_page(self, path: Path, media_type: str, page: int, width: int) -> bytes:
        raise AssertionError(path)


class Fails(Paragraphs):
    """Finds something wrong that is nobody's fault in the document."""

    def __init__(self) -> None:
        super().__init__(0)

    async def chunks(self, _path: Path, _media_type: str, _name: str) -> AsyncIterator[Chunk | Progress | About]:
        raise OSError("the disk is full")
        yield About()


async def chunk_ids(org: Org, document: str) -> list[str]:
    """The ids of all chunks that can be read now, in their order."""
    found: list[str] = []
    after: int | None = -1
    while after is not None:
        answer = await org.owner.api.get(f"/documents/{document}/chunks", params={"after": after, "limit": 200})
        page = answer.raise_for_status().json()
        found += [one["id"] for one in page["items"]]
        after = page["after"]
    return found


async def change(server: Server, org: Org, document: str, **values: Any) -> None:
    """Make a document's row be as some other process would have left it."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        if "attempt" in values:
            await tx.run("update documents set attempt = %(attempt)s where id = %(id)s", values | {"id": document})
        await tx.run("update documents set look_at = now() where id = %(id)s", {"id": document})


@pytest.mark.rule("X1")
async def test_what_was_stopped_goes_on_and_makes_nothing_twice(server: Server, org: Org):
    document = await attached(server, org, b"whatever", "long.txt")
    slow, embedder = Paragraphs(400, stops_at=300), Hashing()
    async with working(server, means(server, embedder=embedder, extractor=slow)):
        await slow.stopped.wait()
        before = await until(lambda: chunk_ids(org, document))
    async with working(server, means(server, embedder=embedder, extractor=Paragraphs(400))):
        found = await ended(org, document)
    after = await chunk_ids(org, document)
    assert after[: len(before)] == before, "what was written stays, under its id"
    assert (found["status"], found["chunks"]) == ("ready", len(after))
    again = len(embedder.asked) - len(after)
    assert 0 <= again < BATCH, "at most the portion that was under way, and not written yet, is embedded again"


@pytest.mark.rule("X1")
async def test_who_lost_a_document_writes_nothing_into_it_any_more(server: Server, org: Org):
    document = await attached(server, org, b"whatever", "long.txt")
    slow = Paragraphs(200, stops_at=150)
    async with working(server, means(server, embedder=Hashing(), extractor=slow)):
        await slow.stopped.wait()
        await change(server, org, document, attempt=7 * ROUND)  # another has taken it over
        async with working(server, means(server, embedder=Hashing(), extractor=Paragraphs(200))):
            found = await ended(org, document)
        ids = await chunk_ids(org, document)
    assert found["status"] == "ready"
    assert await chunk_ids(org, document) == ids
    assert (await org.owner.api.get(f"/documents/{document}")).json()["status"] == "ready", "it is not put back either"


@pytest.mark.rule("X1")
async def test_asking_again_takes_a_document_from_nobody_who_is_at_work_on_it(server: Server, org: Org):
    document = await attached(server, org, b"whatever", "long.txt")
    async with working(server, means(server, extractor=Fails())):

        async def is_put_off() -> bool:
            return bool((await org.owner.api.get(f"/documents/{document}")).json()["retries"])

        await until(is_put_off)
    await change(server, org, document)
    slow = Paragraphs(200, stops_at=150)
    async with working(server, means(server, extractor=slow)):
        await slow.stopped.wait()
        (await org.owner.api.post(f"/documents/{document}/retry")).raise_for_status()
        async with server.db.transaction(system_actor(org.id)) as tx:
            assert await claim(tx, UUID(document)) is None, "it is at work already"


async def test_what_kills_every_process_ends_and_what_is_passing_does_not(server: Server, org: Org):
    document = await attached(server, org, b"whatever", "deadly.txt")
    async with working(server, means(server, extractor=Fails())):

        async def is_put_off() -> bool:
            return bool((await org.owner.api.get(f"/documents/{document}")).json()["retries"])

        await until(is_put_off)
    await change(server, org, document, attempt=3 * ROUND + 6)
    async with working(server, means(server, extractor=Paragraphs(2))):
        found = await ended(org, document)
        assert (found["status"], found["failure_code"]) == ("failed", "document_broke_off")
        file_id = await file_of(org, document)
        file = (await org.owner.api.get(f"/files/{file_id}")).json()
        assert (file["status"], file["failure"]) == ("failed", found["failure"])
        assert (await org.owner.api.get(f"/files/{file_id}/content")).content == b"whatever"
        (await org.owner.api.post(f"/documents/{document}/retry")).raise_for_status()
        assert (await ended(org, document))["status"] == "ready"


async def test_an_organization_with_many_documents_lets_others_come_in_between(
    server: Server, org: Org, other_org: Org
):
    many = [await attached(server, org, f"number {number}".encode(), f"{number}.txt") for number in range(3)]
    one = await attached(server, other_org, b"the only one", "one.txt")
    slow = Paragraphs(9, stops_at=0)
    async with working(server, means(server, extractor=slow), at_once=2):

        async def at_work() -> set[str]:
            found = set()
            for who, documents in ((org, many), (other_org, [one])):
                for document in documents:
                    shown = (await who.owner.api.get(f"/documents/{document}")).json()
                    found |= {document} if shown["status"] == "extracting" else set()
            return found if len(found) == 2 else set()

        assert one in await until(at_work), "it is not behind all of the others"


async def statuses(who: Org, *documents: str) -> list[str]:
    """How far documents are."""
    return [(await who.owner.api.get(f"/documents/{one}")).json()["status"] for one in documents]


async def test_who_has_all_places_makes_way_for_another_organization_and_goes_on_later(
    server: Server, org: Org, other_org: Org
):
    many = [await attached(server, org, f"number {number}".encode(), f"{number}.txt") for number in range(2)]
    slow = Paragraphs(9, stops_at=0)
    async with working(server, means(server, extractor=slow), at_once=2):

        async def holds_both() -> bool:
            return await statuses(org, *many) == ["extracting"] * 2

        await until(holds_both)
        one = await attached(server, other_org, b"the only one", "one.txt")

        async def is_let_in() -> bool:
            return await statuses(other_org, one) == ["extracting"]

        await until(is_let_in)
        async with server.db.transaction(system_actor(org.id)) as tx:
            at_work = "select count(*) from documents where is_at_work(look_at, attempt)"
            assert await tx.value(at_work) == 1, "the other place is still its own"
    async with working(server, means(server, extractor=Paragraphs(2))):
        assert [(await ended(org, document))["status"] for document in many] == ["ready"] * 2


def turn_of(org: UUID, *, is_found: bool = False) -> Turn:
    return Turn(org, uuid4(), is_found, 0.0)


def work_of(org: UUID, status: DocumentStatus = DocumentStatus.EXTRACTING) -> Work:
    return Work(
        id=uuid4(),
        org_id=org,
        sha256=b"",
        media_type="",
        name="",
        size=1,
        status=status,
        attempt=1,
        chunks=0,
        retries=0,
    )


def test_what_makes_way_is_the_last_of_who_has_several_and_what_is_found_already():
    one, other, third = uuid4(), uuid4(), uuid4()
    both = [work_of(one), work_of(one)]
    assert who_makes_way(turn_of(other), both) is both[1]
    assert who_makes_way(turn_of(one), both) is None, "nobody makes way for oneself"
    assert who_makes_way(turn_of(third), [work_of(one), work_of(other)]) is None, "each has one"
    again = [work_of(one, DocumentStatus.READY), work_of(one)]
    assert who_makes_way(turn_of(one), again) is again[0], "it is found meanwhile"
    assert who_makes_way(turn_of(other, is_found=True), both) is None, "what is found already waits for what is not"


@pytest.mark.rule("B8")
async def test_files_of_an_archived_conversation_go_after_their_time_with_all_that_was_made_of_them(
    server: Server, org: Org
):
    place = await server.channel(org.owner)
    document = await attached(server, org, b"whatever", "notes.txt", place)
    async with working(server, means(server, embedder=Hashing(), extractor=Paragraphs(3))):
        await ended(org, document)
    api, path, file_id = org.owner.api, f"/conversations/{place}/archive", await file_of(org, document)
    (await api.put(path)).raise_for_status()
    assert (await api.get(f"/files/{file_id}")).json()["expires_at"] is not None
    (await api.delete(path)).raise_for_status()
    assert (await api.get(f"/files/{file_id}")).json()["expires_at"] is None
    (await api.put(path)).raise_for_status()
    assert (await api.get("/file-policy")).json() == {"keep_days": 30}
    member = await org.add()
    assert (await member.api.put("/file-policy", json={"keep_days": 1})).status_code == 403
    assert (await api.put("/file-policy", json={"keep_days": 0})).status_code == 422
    (await api.put("/file-policy", json={"keep_days": None})).raise_for_status()
    assert (await api.get(f"/files/{file_id}")).json()["expires_at"] is None
    (await api.put("/file-policy", json={"keep_days": 1})).raise_for_status()
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run("update files set expires_at = expires_at - interval '25 hours'")
    store = server.services.part(FileStore)
    sweeper = Sweeper(server.db, store.blobs, server.services.signals)

    async def is_gone() -> bool:
        await sweeper.sweep()
        return (await api.get(f"/documents/{document}")).status_code == 404

    await until(is_gone)
    async with server.db.transaction(system_actor(org.id)) as tx:
        for left in (
            "select count(*) from files",
            "select count(*) from chunks",
            "select count(*) from embeddings_384",
        ):
            assert await tx.value(left) == 0
    folder = server.home / "blobs" / str(org.id)

    async def are_bytes_gone() -> bool:
        await sweeper.sweep()
        return not any(one.is_file() for one in folder.rglob("*"))

    await until(are_bytes_gone)


@pytest.mark.rule("B8")
async def test_what_is_short_or_cannot_be_read_does_not_wait_for_what_is_long(server: Server, org: Org):
    """One place for each stage, and a document that takes many portions: others are read beside, embedded between."""
    long = await attached(server, org, b"long", "long.txt")
    seen, gate = list[str](), asyncio.Event()

    class Watched(Hashing):
        async def embed(self, texts: Sequence[str]) -> list[Vector]:
            seen.append("embedded")
            await gate.wait()
            return await super().embed(texts)

    class Reading(Paragraphs):
        async def chunks(self, path: Path, media_type: str, name: str) -> AsyncIterator[Chunk | Progress | About]:
            seen.append(name)
            async for one in super().chunks(path, media_type, name):
                yield one

    extractor = Reading(BATCH * PORTIONS + 40)
    async with working(server, means(server, embedder=Watched(), extractor=extractor), at_once=1):
        await until(lambda: asyncio.sleep(0, len(seen) > 1))
        others = [await attached(server, org, name.encode(), name) for name in ("one.txt", "two.txt")]
        await until(lambda: asyncio.sleep(0, len(seen) > 3))
        assert seen == ["long.txt", "embedded", "one.txt", "two.txt"], "the model is busy, and they are read"
        gate.set()
        for document in (long, *others):
            assert (await ended(org, document))["status"] == "ready"
