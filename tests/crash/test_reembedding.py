"""The process that brings documents up to another model is killed: another goes on, and embeds nothing twice."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from crewhall.knowledge.extraction import VERSION
from tests.documents.ground import Hashing, attached, ended, means, working
from tests.documents.test_worker import Paragraphs
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until

PASSAGES, AT_ONCE, PORTION = 900, 2, 64


async def bring(server: Server, url: str, org: Org, *, until_far: int | None) -> int:
    """Have a process bring documents up to `next`, kill it once it is so far, or through; gives what it embedded."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.reembedding", url, "next",
        cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None

    async def is_far() -> bool:
        async with server.db.transaction(org.owner.actor) as tx:
            count = await tx.value("select count(*) from embeddings_384 where model = 'next'")
            model = await tx.value("select model from knowledge_indexes")
        return bool(model == "next" if until_far is None else count >= until_far)

    try:
        await until(is_far, within=90)
    finally:
        process.send_signal(signal.SIGKILL)
        said = await process.stdout.read()
        assert await process.wait() == -signal.SIGKILL
    return int(said.split()[-1])


@pytest.mark.slow
@pytest.mark.rule("X1")
@pytest.mark.timeout(240)
async def test_what_comes_to_another_model_is_embedded_once_whoever_is_killed(cluster: SharedCluster, worker_id: str):
    urls = cluster.clone(f"reembedding_{worker_id}")
    async with Server(urls) as server:
        org = await server.make_org()
        documents = [await attached(server, org, f"text {n}".encode(), f"{n}.txt") for n in range(3)]
        async with working(server, means(server, embedder=Hashing("first"), extractor=Paragraphs(PASSAGES // 3))):
            for document in documents:
                await ended(org, document)
        asked = await bring(server, urls.app, org, until_far=PASSAGES // 3)
        async with server.db.transaction(org.owner.actor) as tx:
            assert await tx.value("select searched_model()") == "first"
            lapse = "update documents set look_at = now() where look_at > now()"
            assert await tx.run(lapse) <= AT_ONCE
        asked += await bring(server, urls.app, org, until_far=None)
        async with server.db.transaction(org.owner.actor) as tx:
            counts = "select count(*) filter (where model = 'next') from embeddings_384"
            assert (await tx.value("select searched_model()"), await tx.value(counts)) == ("next", PASSAGES)
            assert await tx.value("select min(extractor) from documents") == VERSION
    assert 0 <= asked - PASSAGES <= AT_ONCE * PORTION, "no more than the portions that were under way"
