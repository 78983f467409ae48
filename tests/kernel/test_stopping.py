"""A signal to stop is heard wherever the process is, and ends what runs in its own order."""

import asyncio
import os
import signal
import sys

import pytest

from crewhall.faces.http.stopping import StopSignals

BOTH = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "ctrl-c"])


def told(number: signal.Signals) -> None:
    """Be told to stop; returns once the handler has run."""
    os.kill(os.getpid(), number)


@BOTH
def test_outside_of_a_loop_a_signal_leaves_at_once_and_cleanly(number: signal.Signals):
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as left, StopSignals():
        told(number)
    assert left.value.code == 0
    assert signal.getsignal(number) is before


@BOTH
def test_in_a_loop_the_work_is_cancelled_and_takes_itself_apart(number: signal.Signals):
    steps = []

    async def work() -> None:
        try:
            told(number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("apart")

    with StopSignals() as signals:
        asyncio.run(signals.run(work()))
    assert steps == ["apart"]


@BOTH
def test_work_that_can_end_by_itself_is_asked_and_not_cancelled(number: signal.Signals):
    steps = []

    async def work(signals: StopSignals) -> None:
        ending = asyncio.Event()

        def gently() -> bool:
            ending.set()
            return True

        signals.gently = gently
        told(number)
        await ending.wait()
        await asyncio.sleep(0)
        steps.append("done")

    with StopSignals() as signals:
        asyncio.run(signals.run(work(signals)))
    assert steps == ["done"]


def test_a_signal_whose_exception_is_lost_outside_of_a_loop_ends_the_work_that_comes_next(
    monkeypatch: pytest.MonkeyPatch,
):
    lost = []
    monkeypatch.setattr(sys, "unraisablehook", lambda raised: lost.append(raised.exc_type))

    class Finaliser:
        def __del__(self) -> None:
            told(signal.SIGTERM)

    async def work() -> None:
        await asyncio.Event().wait()

    with StopSignals() as signals:
        Finaliser()
        asyncio.run(asyncio.wait_for(signals.run(work()), 5))
    assert lost == [SystemExit]


def test_what_the_work_raises_is_raised():
    async def work() -> None:
        raise LookupError("broken")

    with StopSignals() as signals, pytest.raises(LookupError, match="broken"):
        asyncio.run(signals.run(work()))
