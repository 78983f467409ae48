"""A reader's queue: in order, once, and never in the way of others."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.faces.live.frames import Frame
from crewhall.faces.live.listener import GOING_AWAY, MAX_QUEUE, TOO_SLOW, Listener
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.ids import new_id
from crewhall.kernel.verified import Verified
from tests.support.waiting import until

VERIFIED = Verified(Actor(ActorType.USER, new_id(), new_id()), ())


class Reader:
    """Takes frames; each number of `pauses` is how often it makes the sender wait before it has one."""

    def __init__(self, pauses: list[int]) -> None:
        self.got: list[str] = []
        self.codes: list[int] = []
        self.under_way = 0
        self._pauses = iter(pauses)
        self.listener = Listener(VERIFIED, self._take, self.codes.append)

    async def _take(self, text: str, _seq: int | None) -> None:
        assert self.under_way == 0
        self.under_way += 1
        for _ in range(next(self._pauses, 0)):
            await asyncio.sleep(0)
        self.got.append(text)
        self.under_way -= 1


@given(pushes=st.lists(st.integers(1, 4), max_size=12), pauses=st.lists(st.integers(0, 3), max_size=40))
def test_frames_arrive_once_and_in_order_however_their_reader_waits(pushes, pauses):
    async def run() -> list[str]:
        reader, sent = Reader(pauses), 0
        for many in pushes:
            for _ in range(many):
                reader.listener.push(Frame(str(sent), sent))
                sent += 1
            await asyncio.sleep(0)

        async def is_whole() -> bool:
            return len(reader.got) == sent

        await until(is_whole)
        return reader.got

    assert asyncio.run(run()) == [str(n) for n in range(sum(pushes))]


async def test_nobody_waits_on_for_a_reader_who_has_gone():
    before = asyncio.all_tasks()
    never = asyncio.Event()

    async def wait(_text: str, _seq: int | None) -> None:
        await never.wait()

    def senders() -> list[asyncio.Task[object]]:
        began = asyncio.all_tasks() - before
        return [task for task in began if getattr(task.get_coro(), "__qualname__", "") == "Listener._drain"]

    listener = Listener(VERIFIED, wait, lambda _code: None)
    listener.push(Frame("a", 1))

    async def is_waiting() -> bool:
        return bool(senders())

    await until(is_waiting)
    (sender,) = senders()
    listener.end()

    async def is_over() -> bool:
        return sender.done()

    await until(is_over)


async def test_nothing_is_sent_while_it_is_pushed_and_then_all_without_a_task():
    reader = Reader([])
    before = asyncio.all_tasks()
    for n in range(3):
        reader.listener.push(Frame(str(n), n))
    assert reader.got == []
    await asyncio.sleep(0)
    assert reader.got == ["0", "1", "2"]
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("waits", [0, 1])
async def test_whatever_a_dead_connection_raises_its_reader_is_gone(waits):
    async def fail(_text: str, _seq: int | None) -> None:
        for _ in range(waits):
            await asyncio.sleep(0)
        raise ConnectionResetError

    codes: list[int] = []
    listener = Listener(VERIFIED, fail, codes.append)
    listener.push(Frame("lost", 1))
    listener.push(Frame("never sent", 2))

    async def is_gone() -> bool:
        return listener.closed

    await until(is_gone)
    listener.push(Frame("too late", 3))
    assert codes == [GOING_AWAY]


async def test_who_reads_nothing_is_cut_off_and_delays_nobody():
    going_on = asyncio.Event()

    async def wait(_text: str, _seq: int | None) -> None:
        await going_on.wait()

    codes: list[int] = []
    slow, quick = Listener(VERIFIED, wait, codes.append), Reader([])
    for n in range(MAX_QUEUE):
        slow.push(Frame("x", n))
        quick.listener.push(Frame("x", n))
        await asyncio.sleep(0)
    assert len(quick.got) == MAX_QUEUE
    assert codes == []
    slow.push(Frame("x", MAX_QUEUE))
    slow.push(Frame("x", MAX_QUEUE + 1))
    assert codes == [TOO_SLOW]
    going_on.set()


async def test_sending_that_waits_can_be_cancelled():
    ended: list[str] = []

    async def wait(_text: str, _seq: int | None) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    listener = Listener(VERIFIED, wait, lambda _code: None)
    before = asyncio.all_tasks()
    listener.push(Frame("x", 1))
    await asyncio.sleep(0)
    (task,) = asyncio.all_tasks() - before
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert ended == ["cancelled"]
