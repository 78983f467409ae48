"""A process gets ready to think where turns are likely, and only there."""

import asyncio

from crewhall.runtime.warming import Warming
from tests.support.openai import Say


async def test_a_process_of_an_installation_that_takes_turns_gets_ready(hall, org, model):
    model.play(Say("Yes."))
    await (await hall.ask(org)).take()
    executor = hall.make_executor()
    warming = Warming(hall.db, executor, after_s=0)
    assert not executor.is_warm
    warming.start()
    while not executor.is_warm:
        await asyncio.sleep(0.01)
    await warming.stop()
    await executor.close()


async def test_one_that_takes_none_stays_as_it_is_until_a_turn_is_expected(hall, monkeypatch):
    executor = hall.make_executor()
    warming = Warming(hall.db, executor, after_s=0)
    asked = asyncio.Event()

    class NoTurns:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            asked.set()

        async def value(self, _sql):
            return False

    with monkeypatch.context() as empty:
        empty.setattr(hall.db, "transaction", lambda _actor: NoTurns())
        warming.start()
        await asked.wait()
        await asyncio.sleep(0)
    assert not executor.is_warm
    warming.expect_turn()
    while not executor.is_warm:
        await asyncio.sleep(0.01)
    warming.expect_turn()
    await warming.stop()
    await executor.close()
