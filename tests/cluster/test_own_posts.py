"""Whoever posted reads the post where it was taken, however far the projector is behind."""

import asyncio
from typing import Any

import pytest

from crewhall.adapters.kafka.projection import Batch
from tests.cluster.test_fan_out import kafka_pair
from tests.support.server import Server

__all__ = ["kafka_pair"]
BEHIND_S = 0.1


async def test_an_author_reads_what_they_posted_though_the_projector_is_behind(
    kafka_pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
):
    here, _ = kafka_pair
    org = await here.make_org()
    place = f"/conversations/{await here.channel(org.owner)}/messages"
    write = Batch.write

    async def late(self: Batch, connection: Any, process: str) -> Any:
        it_is_time = asyncio.Event()
        asyncio.get_running_loop().call_later(BEHIND_S, it_is_time.set)
        await it_is_time.wait()
        return await write(self, connection, process)

    monkeypatch.setattr(Batch, "write", late)
    for n in range(3):
        posted = (await org.owner.api.post(place, json={"content": f"m{n}"})).raise_for_status().json()
        page = (await org.owner.api.get(place)).raise_for_status().json()["items"]
        assert page[-1]["id"] == posted["id"], n
        edited = await org.owner.api.patch(f"{place}/{posted['id']}", json={"content": f"e{n}"})
        edited.raise_for_status()
        page = (await org.owner.api.get(place)).raise_for_status().json()["items"]
        assert page[-1]["content"] == f"e{n}", n
