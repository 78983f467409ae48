"""Subscribers that come back with the last seq they have, over the socket and over server-sent events."""

import asyncio
import contextlib
from typing import Any

import httpx
import msgspec

from tests.support.history import Entry, History
from tests.support.waiting import PATIENCE
from tests.support.writers import LOST, Place, live


def entry_of(record: dict[str, Any]) -> Entry:
    """A record as it came over the wire."""
    return Entry(
        record["conversation_id"],
        record["seq"],
        record["id"],
        record["type"],
        record["author"]["id"],
        record.get("client_id"),
        record.get("content") or "",
    )


class Subscriber:
    """Somebody who follows conversations whatever happens to the server."""

    def __init__(self, name: str, token: str, conversations: list[str], server: Place, history: History) -> None:
        self.name = name
        self.token = token
        self.conversations = conversations
        self.server = server
        self.history = history

    async def run(self) -> None:
        """Follow until cancelled."""
        raise NotImplementedError

    def last_seq(self, conversation: str) -> int:
        """The last seq seen."""
        return self.history.last_seq(self.name, conversation)

    def take(self, frame: dict[str, Any]) -> None:
        """Note a record."""
        if frame["type"] == "record":
            entry = entry_of(frame["record"])
            self.history.seen[self.name][entry.conversation].append(entry)


class SocketSubscriber(Subscriber):
    """Follows all its conversations on one socket."""

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.server.serving.wait()
            with contextlib.suppress(*LOST):
                async with live(self.server, self.token) as socket:
                    for conversation in self.conversations:
                        after = self.last_seq(conversation)
                        frame = {"type": "subscribe", "conversation": conversation, "after": after}
                        await socket.send(msgspec.json.encode(frame).decode())
                    while True:
                        frame = msgspec.json.decode(await socket.recv())
                        if frame["type"] == "error":
                            break  # the database was away: come back
                        self.take(frame)
            await asyncio.sleep(0.05)


class StreamSubscriber(Subscriber):
    """Follows one conversation as server-sent events."""

    async def run(self) -> None:
        """Follow until cancelled."""
        (conversation,) = self.conversations
        timeout = httpx.Timeout(10 * PATIENCE, read=60)
        async with httpx.AsyncClient(base_url=f"{self.server.url}/api/v1", timeout=timeout, verify=False) as api:
            while True:
                await self.server.serving.wait()
                headers = {
                    "authorization": f"Bearer {self.token}",
                    "last-event-id": str(self.last_seq(conversation)),
                }
                with contextlib.suppress(httpx.TransportError):
                    async with api.stream("GET", f"/conversations/{conversation}/stream", headers=headers) as answer:
                        async for line in answer.aiter_lines():
                            if line.startswith("data: "):
                                self.take(msgspec.json.decode(line[6:]))
                await asyncio.sleep(0.05)
