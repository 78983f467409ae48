"""A server that is told to stop says so first, answers what comes meanwhile, and sends its listeners elsewhere."""

import asyncio

import httpx

from crewhall.kernel.process_kinds import ProcessKind
from tests.live.test_socket import say
from tests.support.database import SharedCluster
from tests.support.server import Server, frames_until, token_of, until_closed
from tests.support.waiting import in_time, until

WAIT_S = 4.0


async def ready(server: Server) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.address, verify=False) as outside:
        return await outside.get("/health/ready")


async def test_who_leaves_says_so_and_serves_until_it_has_gone(cluster: SharedCluster, worker_id: str):
    urls = cluster.clone(f"leaving_{worker_id}")
    async with Server(urls, kind=ProcessKind.SERVE, drain_wait_s=WAIT_S) as server, Server(urls) as other:
        org = await server.make_org()
        channel = await server.channel(org.owner)
        posts = f"/conversations/{channel}/messages"
        kept = await org.owner.api.post(posts, json={"content": "before"})
        assert kept.headers.get("connection") != "close"
        async with server.live(token_of(org.owner.api)) as socket:
            await socket.send(say("subscribe", conversation=channel, after=0))
            await frames_until(socket, "resumed")
            assert (await ready(server)).json()["status"] == "ok"
            server.leave()
            told = await ready(server)
            assert (told.status_code, told.json()["status"]) == (503, "leaving")
            last = await org.owner.api.post(posts, json={"content": "in the meantime"})
            assert (last.status_code, last.headers["connection"]) == (201, "close")
            assert (await frames_until(socket, "record"))[-1]["seq"] == 2, "listeners hear it until the end"
            closed = await until_closed(socket, 5 + WAIT_S)
            assert closed.code == 4409, "who listens is sent to resume, not signed out"
        await in_time(server.has_left(), 15)
        async with other.live(token_of(org.owner.api)) as socket:
            await socket.send(say("subscribe", conversation=channel, after=2))
            assert [frame["type"] for frame in await frames_until(socket, "resumed")] == ["resumed"]


async def test_a_request_under_way_is_answered_by_who_leaves(cluster: SharedCluster, worker_id: str):
    urls = cluster.clone(f"leaving_{worker_id}")
    async with Server(urls, kind=ProcessKind.SERVE) as server:
        org = await server.make_org()
        channel = await server.channel(org.owner)
        async with server.db.transaction(org.owner.actor) as tx:
            await tx.run("select from conversation_heads where conversation_id = %(id)s for update", {"id": channel})
            posting = asyncio.create_task(
                org.owner.api.post(f"/conversations/{channel}/messages", json={"content": "held up"})
            )

            async def is_under_way() -> bool:
                async with server.db.transaction(None) as other:
                    return bool(
                        await other.value(
                            "select count(*) from pg_stat_activity where application_name = 'crewhall-log' "
                            "and wait_event_type = 'Lock' and datname = current_database()"
                        )
                    )

            async def lets_nobody_in() -> bool:
                try:
                    await ready(server)
                except httpx.TransportError:
                    return True
                return False

            await until(is_under_way)
            server.leave()
            await until(lets_nobody_in)
            assert not posting.done(), "it has begun to stop, and the post is still held up"
        assert (await posting).status_code == 201
        await in_time(server.has_left(), 15)
