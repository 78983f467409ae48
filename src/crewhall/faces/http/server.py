"""The server of a process: uvicorn with uvloop and httptools, WebSockets uncompressed, a clean stop."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from crewhall.faces.http.protocol import HallProtocol
from crewhall.faces.live.hub import Hub
from crewhall.faces.plumbing.departure import Departure
from crewhall.kernel.settings import BAD_SETTING

BACKLOG = 2048
MAX_FRAME = 256 * 1024
PING_EVERY_S = 20.0
DRAIN_S = 10
FORGOTTEN = "ASGI callable returned without completing handshake."


class _Answered(logging.Filter):
    """Leaves out what uvicorn says of sockets that were refused with a status: it takes them for forgotten ones."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is kept."""
        return record.msg != FORGOTTEN


ANSWERED = _Answered()


@dataclass(slots=True, kw_only=True)
class Leaving:
    """How a server goes when it is told to.

    It says that it is not ready any more and waits `wait_s` for those who send it requests to hear of it; then it ends
    what else it does (`drain`), while it still answers; then it sends listeners away, and requests have `within_s`.
    """

    departure: Departure = field(default_factory=Departure)
    wait_s: float = 0.0
    within_s: float = DRAIN_S
    drain: Callable[[], Awaitable[None]] | None = None


class HallServer(uvicorn.Server):
    """Says when it is ready; when it stops it first sends the listeners away, so that they resume elsewhere."""

    def __init__(self, application: Any, hub: Hub, ready: Callable[[], None], leaving: Leaving | None = None) -> None:
        self._leaving = leaving or Leaving()
        self._going: asyncio.Task[None] | None = None
        super().__init__(
            uvicorn.Config(
                application,
                loop="none",
                http=HallProtocol,
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                ws_max_size=MAX_FRAME,
                ws_ping_interval=PING_EVERY_S,
                ws_ping_timeout=PING_EVERY_S,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=math.ceil(self._leaving.within_s),
            )
        )
        logging.getLogger("uvicorn.error").addFilter(ANSWERED)
        self._hub = hub
        self._ready = ready

    def end(self) -> bool:
        """Let it go in good order, at the second call at once; says whether it serves."""
        if self.started and self._going is None and not self.should_exit:
            self._leaving.departure.has_begun = True
            self._going = asyncio.get_running_loop().create_task(self._go(), name="leaving")
        else:
            self.force_exit = True
            self.should_exit = True
        return self.started

    def give_up(self) -> None:
        """Stop once what is being answered is finished: nothing else can be ended in good order."""
        self._leaving.departure.has_begun = True
        self.should_exit = True

    async def _go(self) -> None:
        try:
            await asyncio.sleep(self._leaving.wait_s)
            if self._leaving.drain is not None:
                await self._leaving.drain()
        finally:
            self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process, which knows more parts than this one."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Send listeners away, finish what is being answered, stop."""
        if self._going is not None:
            self._going.cancel()
        self._hub.close()
        await asyncio.sleep(0)  # the hub's closing frames go out first: uvicorn would send codes of its own
        await super().shutdown(sockets)


def bind(host: str, port: int, setting: str = "CREWHALL_PORT") -> socket.socket:
    """Bind the address to listen on; raises BAD_SETTING that says what to do when it is taken or not ours.

    `setting` is the one that names the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By the protocol of a listener an event loop knows that it may send small packets at once: without it head and body
    # of an answer on a kept connection are 40 ms apart (asyncio; uvloop does so anyway).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise BAD_SETTING(
            f"Cannot listen on {host}:{port}: {error.strerror}. Stop what uses it, or set {setting} (0 picks one).",
            setting=setting,
        ) from error
    return listener


def address_of(listener: socket.socket, host: str) -> str:
    """The address that people open."""
    port = listener.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
