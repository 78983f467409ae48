"""The process that makes a document searchable is killed: another goes on with it, and no passage is made twice."""

import os
import random
from typing import Any

import httpx
import psycopg
import pytest

from crewhall.kernel.postgres.urls import DATABASE
from tests.support.effort import EFFORT
from tests.support.site import Site
from tests.support.waiting import PATIENCE, until

PARAGRAPHS = 150 * EFFORT
"""As many chunks: a quarter of a minute of embedding, and more."""
KILLS, MOST = 2 * EFFORT, 40
"""In each of the two stages, and so many more are written at most before the next one."""
CHUNKS = "select id::text from chunks where document_id = %s order by position"
VECTORS = "select chunk_id::text || ' ' || xmin::text from embeddings_384 where document_id = %s"
BEYOND = {
    CHUNKS: "select 'embedded' from embeddings_384 where document_id = %s limit 1",
    VECTORS: "select 'ready' from documents where id = %s and status = 'ready'",
}
"""What shows that all of them are written."""
LAPSE = "update documents set look_at = now() where id = %s and look_at > now()"


def asked(site: Site, statement: str, document: str) -> list[str]:
    """What the database says of a document; also where no server runs."""
    with psycopg.connect(site.postgres.superuser_url(DATABASE), autocommit=True) as connection:
        found = connection.execute(statement.encode(), (document,))
        return [row[0] for row in found] if found.description else []


async def send(site: Site, token: str) -> str:
    """Post a long text; gives its document's id."""
    place = await site.call(token, "POST", "/conversations", kind="channel", name="documents")
    text = "\n\n".join(
        f"Paragraph {number} says what pump {number} is for. " + "It turns. " * 60 for number in range(PARAGRAPHS)
    )
    async with httpx.AsyncClient(base_url=f"{site.server.url}/api/v1", timeout=30 * PATIENCE) as api:
        api.headers["authorization"] = f"Bearer {token}"
        path = f"/conversations/{place['id']}/files"
        file = (await api.post(path, params={"name": "long.txt"}, content=text.encode())).raise_for_status().json()
    await site.call(token, "POST", f"/conversations/{place['id']}/messages", files=[file["id"]])
    return str((await site.call(token, "GET", f"/files/{file['id']}"))["document"]["id"])


async def kill_beyond(site: Site, document: str, what: str, wanted: int) -> bool:
    """Kill the server as soon as so many are written; the next process may go on at once, not in two minutes.

    Tells whether that was in the middle: all may be written before anybody has looked.
    """

    async def is_far() -> bool:
        return len(asked(site, what, document)) >= wanted or bool(asked(site, BEYOND[what], document))

    await until(is_far, within=60)
    await site.server.kill()
    asked(site, LAPSE, document)
    return not asked(site, BEYOND[what], document)


@pytest.mark.rule("X1")
@pytest.mark.slow
@pytest.mark.timeout(240 * EFFORT)
async def test_a_document_is_made_searchable_once_however_often_it_is_killed(site: Site):
    seed = int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    print(f"CREWHALL_TEST_SEED={seed}")
    await site.server.start()
    try:
        document = await send(site, await site.sign_in())
        in_the_middle = 0
        for what in [CHUNKS] * KILLS + [VECTORS] * KILLS:
            written = asked(site, what, document)
            in_the_middle += await kill_beyond(site, document, what, len(written) + chance.randrange(1, MOST))
            assert set(written) <= set(asked(site, what, document)), "what was written stays as it is"
            await site.server.start()
        assert in_the_middle, "no kill came in the middle"
        written, vectors = asked(site, CHUNKS, document), asked(site, VECTORS, document)
        token = await site.sign_in()

        async def is_ready() -> dict[str, Any] | None:
            shown: dict[str, Any] = await site.call(token, "GET", f"/documents/{document}")
            assert shown["status"] != "failed", shown
            return shown if shown["status"] == "ready" else None

        ready = await until(is_ready, within=120 * EFFORT)
        found = asked(site, CHUNKS, document)
        assert found[: len(written)] == written
        assert set(vectors) <= set(asked(site, VECTORS, document))
        assert (ready["chunks"], ready["retries"]) == (len(found), 0)
        assert len(found) >= PARAGRAPHS
    finally:
        await site.server.close()
