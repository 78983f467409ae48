"""The server of a process: uvicorn with uvloop and httptools, WebSockets uncompressed, a clean stop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from crewhall.faces.http.protocol import HallProtocol
from crewhall.faces.live.hub import Hub
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


class HallServer(uvicorn.Server):
    """Says when it is ready; when it stops it first sends the listeners away, so that they resume elsewhere."""

    def __init__(self, application: Any, hub: Hub, ready: Callable[[], None]) -> None:
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
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(ANSWERED)
        self._hub = hub
        self._ready = ready

    def end(self) -> bool:
        """Let it stop once what is being answered is finished, at the second call at once; says whether it serves."""
        self.force_exit = self.should_exit
        self.should_exit = True
        return self.started

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
        self._hub.close()
        await asyncio.sleep(0)  # the hub's closing frames go out first: uvicorn would send codes of its own
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """Bind the address to listen on; raises BAD_SETTING that says what to do when it is taken or not ours."""
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
            f"Cannot listen on {host}:{port}: {error.strerror}. Stop what uses it, or set CREWHALL_PORT (0 picks one).",
            setting="CREWHALL_PORT",
        ) from error
    return listener


def address_of(listener: socket.socket, host: str) -> str:
    """The address that people open."""
    port = listener.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
