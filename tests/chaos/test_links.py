"""The ways that chaos cuts and slows: what is lost is lost, and what comes after finds its way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scripts.proxy import Ends
from tests.support.links import Link
from tests.support.waiting import in_time, until

DELAY_S = 0.05


class Echo:
    """A place that says what it is told, by a link."""

    def __init__(self) -> None:
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(100):
                self.heard += piece
                writer.write(piece)
        writer.close()


@asynccontextmanager
async def linked(echo: Echo) -> AsyncIterator[Link]:
    async with await asyncio.start_server(echo.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = Link(lambda: asyncio.open_connection("127.0.0.1", port))
        await link.start()
        try:
            yield link
        finally:
            await link.close()


async def come(link: Link) -> Ends:
    """Come by the link, and be answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    await say(reader, writer, b"one")
    return reader, writer


async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes) -> None:
    writer.write(words)
    assert await in_time(reader.readexactly(len(words))) == words


async def test_what_is_under_way_while_a_link_is_lost_never_comes_and_what_comes_later_does():
    echo = Echo()
    async with linked(echo) as link:
        assert not await link.is_used()
        reader, writer = await come(link)
        assert await link.is_used()
        losing = asyncio.create_task(link.lose(DELAY_S))
        await asyncio.sleep(0)
        writer.write(b"lost")
        with contextlib.suppress(ConnectionResetError):
            assert await in_time(reader.read()) == b""
        await losing
        writer.close()

        async def is_left() -> bool:
            return not await link.is_used()

        await until(is_left)
        _, later = await come(link)
        later.close()
        assert echo.heard == b"oneone"


async def test_a_slow_link_keeps_each_piece_back():
    async with linked(Echo()) as link:
        reader, writer = await come(link)
        link.delay_s = DELAY_S
        began = asyncio.get_running_loop().time()
        await say(reader, writer, b"two")
        assert asyncio.get_running_loop().time() - began > 1.5 * DELAY_S, "on its way there, and back"
        writer.close()


async def test_who_is_behind_a_link_and_away_ends_what_comes():
    async def away() -> Ends:
        raise ConnectionRefusedError

    link = Link(away)
    await link.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    with contextlib.suppress(ConnectionResetError):
        assert await in_time(reader.read()) == b""
    writer.close()
    await link.close()
