"""The process that decides is killed: another one decides when its lease has lapsed, and people post meanwhile."""

import psycopg
import pytest

from crewhall.kernel.postgres.urls import DATABASE
from tests.support.site import Process, Site
from tests.support.waiting import until

LAPSE_S = 30.0
DELIVERED = "select count(*) from message_records where conversation_id = %s and type = 'delivery'"
EPOCH = "select epoch, controller_id from controller_shards where shard = shard_of(%s::uuid)"


def asked(site: Site, statement: str, value: str) -> tuple[object, ...]:
    """The first row of what the database holds."""
    with psycopg.connect(site.postgres.superuser_url(DATABASE)) as connection:
        row = connection.execute(statement.encode(), (value,)).fetchone()
    assert row is not None
    return tuple(row)


@pytest.mark.rule("C5")
@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_another_process_decides_when_the_one_that_did_is_killed(site: Site):
    first, other = site.server, site.beside()
    await first.start()
    try:
        token = await site.sign_in()
        agent = await site.call(token, "POST", "/agents", name="relay", code="relay")
        inbox = (await site.call(token, "GET", f"/agents/{agent['id']}"))["inbox_id"]
        place = await site.call(token, "POST", "/conversations", kind="channel", name="takeover")
        path = f"/conversations/{place['id']}/messages"

        async def is_delivered(number: int) -> bool:
            return asked(site, DELIVERED, inbox) == (number,)

        await site.call(token, "POST", path, content="@relay one")
        await until(lambda: is_delivered(1))
        before = asked(site, EPOCH, place["id"])
        await other.start()
        await first.kill()
        site.server = other  # where the site asks from now on
        await site.call(token, "POST", path, content="@relay two")
        await until(lambda: is_delivered(2), within=LAPSE_S)
        after = asked(site, EPOCH, place["id"])
        assert (after[0], after[1] != before[1]) == (int(str(before[0])) + 1, True)
    finally:
        await close(first, other)
        site.server = first


async def close(*processes: Process) -> None:
    for process in processes:
        await process.close()
