"""Wake-ups survive a lost connection, and say that some may have been missed."""

import asyncio

import psycopg
import pytest

from crewhall.kernel.signals import Signals
from tests.support.database import SharedCluster
from tests.support.waiting import bounded, in_time


async def test_listening_resumes_after_the_connection_is_killed(cluster: SharedCluster, worker_id: str) -> None:
    name = f"signals_{worker_id}"
    urls = cluster.clone(name)
    signals = Signals(urls.app)
    heard: asyncio.Queue[str] = asyncio.Queue()
    lost = asyncio.Event()
    signals.subscribe("crewhall_test", heard.put_nowait)
    signals.on_lost(lost.set)
    await signals.start()
    async with await psycopg.AsyncConnection.connect(cluster.superuser(name), autocommit=True) as admin:
        await admin.execute("select pg_notify('crewhall_test', 'one')")
        assert await in_time(heard.get(), 5) == "one"
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'crewhall-signals' "
            "and datname = current_database()"
        )
        await in_time(lost.wait(), 5)
        async with bounded(10):
            while heard.empty():
                await admin.execute("select pg_notify('crewhall_test', 'two')")
                with_room = asyncio.create_task(heard.get())
                done, _ = await asyncio.wait({with_room}, timeout=0.1)
                if done:
                    assert with_room.result() == "two"
                    break
                with_room.cancel()
    await signals.stop()
    assert not signals.listening


@pytest.mark.parametrize("callbacks", [0, 3])
async def test_stop_without_start_is_harmless(callbacks: int) -> None:
    signals = Signals("postgresql:///nowhere")
    for _ in range(callbacks):
        signals.subscribe("crewhall_test", lambda _payload: None)
    await signals.stop()
