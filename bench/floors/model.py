"""A model over the OpenAI protocol, in a process of its own: `python -m bench.floors.model`.

It streams words at once, or at the pace that a prompt asks for with `pace=<words a second>x<seconds>`. Of each request
it keeps how long after its stamp (bench/load/live.py) it came; the last words of an answer are stamped as they leave.
"""

import asyncio
import json
import re
import signal
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
import uvloop

from bench.floors.asgi import Receive, Scope, Send, answer, read_body
from bench.load.live import MARK, STAMP_LENGTH, stamp

WORDS = 20
PACE = re.compile(r"pace=(\d+)x(\d+)")
STAMP = re.compile(rf"{MARK.decode()}\s*([\d.]{{1,{STAMP_LENGTH}}})")


class Model:
    """`POST /v1/chat/completions`, always streamed; `GET /streams` tells how many it is writing.

    `GET /delays` gives the delays since it was asked last.
    """

    def __init__(self) -> None:
        self._delays: list[float] = []
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["path"] == "/delays":
            body, self._delays = json.dumps(self._delays).encode(), []
            await answer(send, 200, body)
            return
        if scope["path"] == "/streams":
            await answer(send, 200, b"%d" % self._streams)
            return
        came = time.perf_counter()
        asked = str(json.loads(await read_body(receive))["messages"][-1]["content"])
        if stamps := STAMP.findall(asked):
            self._delays.append(came - float(stamps[-1]))
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self._streams += 1
        try:
            async for piece in _said(asked):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
        finally:
            self._streams -= 1


async def _said(asked: str) -> AsyncIterator[bytes]:
    yield _chunk({"role": "assistant", "content": ""})
    paces = PACE.findall(asked)
    per_second, seconds = map(int, paces[-1]) if paces else (0, 0)
    for _ in range(per_second * seconds or WORDS):
        if per_second:
            await asyncio.sleep(1 / per_second)
        yield _chunk({"content": "word "})
    yield _chunk({"content": stamp()}, "stop")


def _chunk(delta: dict[str, str], ended: str | None = None) -> bytes:
    choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": ended}
    chunk: dict[str, Any] = {
        "id": "x", "object": "chat.completion.chunk", "created": 0, "model": "x", "choices": [choice],
    }  # fmt: skip
    if ended:
        chunk["usage"] = {"prompt_tokens": 10, "completion_tokens": WORDS, "total_tokens": 10 + WORDS}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def run() -> None:
    """Serve until told to stop."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            Model(), loop="none", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    print(f"READY http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    await serving


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    uvloop.run(run())
