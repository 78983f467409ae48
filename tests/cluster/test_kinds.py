"""Who serves does not work, who works does not serve; together they are a whole hall."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from crewhall.conversations import ConversationParts
from crewhall.kernel.postgres.urls import DatabaseUrls
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.ports.live import Ephemeral
from tests.live.test_socket import say
from tests.support.database import SharedCluster
from tests.support.server import Server, frames_until, token_of
from tests.support.waiting import in_time

WORK = ("consumer-", "turn-scheduler", "turns", "documents", "imports", "github ", "kpis", "approvals", "schedules")


def work_since(before: set[asyncio.Task[Any]]) -> set[str]:
    """The names of the tasks that do a hall's work in this process, of those that were not there before."""
    return {task.get_name() for task in asyncio.all_tasks() - before if task.get_name().startswith(WORK)}


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"kinds_{worker_id}")


async def test_a_server_leaves_the_work_to_a_worker_which_lets_nobody_in(urls: DatabaseUrls):
    before = asyncio.all_tasks()
    async with Server(urls, kind=ProcessKind.SERVE) as server:
        assert not work_since(before)
        org = await server.make_org()
        agent = await server.hire(org, code="relay")
        channel = await server.channel(org.owner)
        async with server.live(token_of(agent.api)) as socket:
            await socket.send(say("subscribe", conversation=agent.inbox_id, after=0))
            await frames_until(socket, "resumed")
            await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": "@relay one"})
            async with server.db.transaction(org.owner.actor) as tx:
                assert await tx.value("select consumer_lag('turns')") is not None, "nobody has looked at it"
            async with Server(urls, kind=ProcessKind.WORKER) as worker:
                assert {"consumer-turns", "turn-scheduler"} <= work_since(before)
                frames = await frames_until(socket, "record")
                assert frames[-1]["record"]["metadata"]["message"]["content"] == "@relay one"
                async with httpx.AsyncClient(base_url=worker.address, verify=False) as outside:
                    assert (await outside.get("/health/live")).json()["status"] == "ok"
                    assert (await outside.get("/health/ready")).json()["checks"] == {"signals": True, "database": True}
                    assert "crewhall_consumer_lag_seconds" in (await outside.get("/metrics")).text
                    assert (await outside.get("/api/v1/me")).status_code == 404
                    assert (await outside.get("/login")).status_code == 404
                    assert (await outside.post("/metrics")).status_code == 405
                with pytest.raises(Exception, match="403"):
                    async with worker.live(token_of(agent.api)):
                        pass


async def test_typing_and_words_reach_listeners_of_servers_and_nobody_links_to_a_worker(urls: DatabaseUrls):
    async with (
        Server(urls, kind=ProcessKind.SERVE) as server,
        Server(urls, kind=ProcessKind.WORKER) as worker,
    ):
        org = await server.make_org()
        channel, member = await server.channel(org.owner), await org.add("member")
        async with server.live(token_of(member.api)) as socket:
            await socket.send(say("subscribe", conversation=channel))
            await frames_until(socket, "resumed")
            async with server.db.transaction(None) as tx:
                rows = await tx.values("select kind || ' ' || (address is not null) from processes")
            assert sorted(rows) == ["serve true", "worker false"]
            typing = Ephemeral(org.id, UUID(channel), "typing", {})  # as the words of a turn go
            worker.services.live.emit(org.owner.actor, typing)
            assert (await frames_until(socket, "typing"))[-1]["actor"]["id"] == str(org.owner.id)


async def test_what_a_server_made_to_be_removed_one_day_a_worker_hears_of(
    urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
):
    async with (
        Server(urls, kind=ProcessKind.SERVE) as server,
        Server(urls, kind=ProcessKind.WORKER) as worker,
    ):
        org = await server.make_org()
        channel = await server.channel(org.owner)
        heard = asyncio.Event()
        monkeypatch.setattr(worker.services.part(ConversationParts).sweeper._timer, "stir", heard.set)
        path = f"/conversations/{channel}/files"
        made = await org.owner.api.post(path, params={"name": "notes.txt"}, content=b"never posted")
        assert made.status_code == 201, made.text
        await in_time(heard.wait(), 20)
