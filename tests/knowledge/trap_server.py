"""A site of a test that means no good: it leads on and on, drips, and never ends. On a socket of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from crewhall.kernel.ending import end_tasks
from crewhall.kernel.outbound import Outbound

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n"
DRIP_S = 0.02


class Trap:
    """`/maze/` leads deeper and to other queries of itself, `/calendar` to the next month, `/drips/` to what drips.

    `/huge` is without end, `/slow/` leads to pages that come whole after a while. `asked`: targets of requests.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.address = ""
        self.time_s = 10.0
        self.tasks: set[asyncio.Task[None]] = set()

    def outbound(self) -> Outbound:
        """The way to it."""
        return Outbound(most_bytes=100_000, time_s=self.time_s, private=[urlsplit(self.address).netloc])

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, meanwhile."""
        task = asyncio.create_task(self._answer(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request; who asked may leave in the middle."""
        try:
            target = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
            self.asked.append(target)
            writer.write(HEAD)
            parts = urlsplit(target)
            if parts.path.startswith("/drip"):
                await self._drip(writer, parts.path)
            elif parts.path == "/huge":
                while True:
                    writer.write(b"<p>more</p>" * 1000)
                    await writer.drain()
            elif parts.path.startswith("/slow/") and parts.path != "/slow/":
                await asyncio.sleep(DRIP_S * 5)
                writer.write(f"<p>Slow {parts.path}".encode())
            else:
                writer.write(self._page(parts.path, parse_qs(parts.query)).encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _drip(self, writer: asyncio.StreamWriter, path: str) -> None:
        if path == "/drips/":
            links = [f'<a href="/drips/{one}">x</a>' for one in range(30)]
            writer.write(f"<p>Drips</p>{''.join(links)}".encode())
            return
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(DRIP_S)

    def _page(self, path: str, query: dict[str, list[str]]) -> str:
        links: list[str] = []
        if path.startswith("/maze/"):
            links = [f"{path}a/", f"{path}b/", *(f"{path}?q={one}&r={len(self.asked)}" for one in range(200))]
        elif path == "/calendar":
            links = [f"/calendar?month={int(query.get('month', ['0'])[0]) + 1}"]
        elif path == "/slow/":
            links = [f"/slow/{one}" for one in range(50)]
        elif path == "/much/":
            links = ["/much/small", "/huge"]
        return f"<h1>{path} {query}</h1>" + "".join(f'<a href="{one}">on</a>' for one in links)


@asynccontextmanager
async def trapping() -> AsyncIterator[Trap]:
    """The site, while the block lasts."""
    trap = Trap()
    server = await asyncio.start_server(trap.take, "127.0.0.1", 0)
    trap.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield trap
    finally:
        server.close()
        if trap.tasks:
            await end_tasks(trap.tasks)
