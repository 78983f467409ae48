"""The process that embeds messages is killed: another goes on, and no message is embedded twice."""

import os
import random

import httpx
import psycopg
import pytest

from crewhall.kernel.postgres.urls import DATABASE
from tests.support.site import Site
from tests.support.waiting import PATIENCE, until

MESSAGES = 250
VECTORS = "select message_id::text || ' ' || xmin::text from message_embeddings_384 order by 1"
LAPSE = "update unembedded_messages set look_at = now() where look_at > now() returning message_id::text"


def asked(site: Site, statement: str) -> list[str]:
    """What the database says; also where no server runs."""
    with psycopg.connect(site.postgres.superuser_url(DATABASE), autocommit=True) as connection:
        return [row[0] for row in connection.execute(statement.encode())]


@pytest.mark.rule("X1")
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_messages_are_embedded_once_however_often_the_process_is_killed(site: Site):
    seed = int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))
    chance = random.Random(seed)
    print(f"CREWHALL_TEST_SEED={seed}")
    await site.server.start()
    try:
        token = await site.sign_in()
        place = await site.call(token, "POST", "/conversations", kind="channel", name=f"meaning-{seed}")
        path = f"/conversations/{place['id']}/messages"
        posted: set[str] = set()
        async with httpx.AsyncClient(base_url=f"{site.server.url}/api/v1", timeout=30 * PATIENCE) as api:
            api.headers["authorization"] = f"Bearer {token}"
            for number in range(MESSAGES):
                body = {"content": f"Ship {number} waits outside the harbour for a calmer sea"}
                posted.add((await api.post(path, json=body)).raise_for_status().json()["id"])
        written: list[str] = []
        for _ in range(2):
            wanted = len(written) + chance.randrange(1, 80)

            async def is_far(wanted: int = wanted) -> bool:
                return len(asked(site, VECTORS)) >= wanted

            await until(is_far, within=60)
            await site.server.kill()
            found = asked(site, VECTORS)
            assert set(found) >= set(written), "what was written stays as it was written"
            written = found
            asked(site, LAPSE)  # as it is by itself in two minutes
            await site.server.start()

        async def are_all() -> bool:
            return {one.split()[0] for one in asked(site, VECTORS)} >= posted

        await until(are_all, within=120)
        assert set(asked(site, VECTORS)) >= set(written)
    finally:
        await site.server.close()
