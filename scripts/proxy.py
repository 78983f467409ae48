"""A small proxy before several servers: for `make cluster` and for tests, not for a site that people depend on.

It hands each connection to the next server that says it is ready, and knows nothing of what goes through it: no
stickiness is needed. Tests cut and slow what goes through it.
"""

import asyncio
import contextlib
import itertools
from urllib.parse import urlsplit

PIECE = 64 * 1024
LOOK_EVERY_S = 0.15
LOOK_TIME_S = 2.0
FIND_WITHIN_S = 5.0
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
READY = b"GET /health/ready HTTP/1.1\r\nhost: proxy\r\nconnection: close\r\n\r\n"


class Passage:
    """Listens on a port of 127.0.0.1 and hands what comes on to wherever `_connect` leads."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        """Where it listens; 0 until it has started where it was not said."""
        self._open: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self.delay_s = 0.0
        """How long each piece of what goes through is kept back."""

    async def start(self) -> None:
        """Listen."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop, whatever goes through."""
        if self._listener is not None:
            self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Cut every connection, without a word."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _connect(self) -> Ends | None:
        """A connection to where it leads, or None."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            found = await self._connect()
            if found is None:
                return
            from_server, to_server = found
            self._open.add(to_server)
            try:
                await asyncio.gather(self._pump(reader, to_server), self._pump(from_server, writer))
            finally:
                self._open.discard(to_server)
                to_server.close()
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes; the end of one way is the end of both, as a client sees it."""
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                await self._keep_back()
                if writer.is_closing():  # it was cut meanwhile
                    break
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _keep_back(self) -> None:
        """Wait for as long as a piece is on its way."""
        if self.delay_s:
            await asyncio.sleep(self.delay_s)


class Proxy(Passage):
    """Stands before servers that are named by their addresses (`http://127.0.0.1:8787`)."""

    def __init__(self, servers: list[str], port: int = 0) -> None:
        super().__init__(port)
        self._servers = [(str(found.hostname), int(found.port or 80)) for found in map(urlsplit, servers)]
        self._turn = itertools.count()
        self._ready: set[tuple[str, int]] = set()
        self._changed = asyncio.Event()
        self._looking: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """Its address, once it has started."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, and look after the servers."""
        await super().start()
        self._looking = [asyncio.create_task(self._look(server)) for server in self._servers]

    async def close(self) -> None:
        """Stop, whatever goes through."""
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)
        await super().close()

    async def _look(self, server: tuple[str, int]) -> None:
        while True:
            if await is_ready(*server):
                self._ready.add(server)
                self._changed.set()
            else:
                self._ready.discard(server)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _connect(self) -> Ends | None:
        """A connection to the next server that is ready; None when none comes to be for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIND_WITHIN_S):
                while True:
                    ready = sorted(self._ready)
                    if not ready:
                        self._changed.clear()
                        await self._changed.wait()
                        continue
                    server = ready[next(self._turn) % len(ready)]
                    try:
                        return await asyncio.open_connection(*server)
                    except OSError:
                        self._ready.discard(server)
        return None


async def is_ready(host: str, port: int) -> bool:
    """Whether a server says that it is ready."""
    try:
        async with asyncio.timeout(LOOK_TIME_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(READY)
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
