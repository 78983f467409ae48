"""Writers that try again until their posts are acknowledged, over HTTP and over the socket."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.support.history import Ack, History
from tests.support.waiting import PATIENCE

WINDOW = 8
PASSING = {429, 503, 504}
PASSING_CODES = {"unavailable", "database_away", "log_behind", "kafka_away", "too_many_requests", "timeout"}
LOST = (OSError, WebSocketException, InvalidHandshake, TimeoutError, EOFError)


class Place(Protocol):
    """Where clients go: a server process, or what stands before several."""

    serving: asyncio.Event
    """Whether it is worth trying."""

    @property
    def url(self) -> str:
        """Its address."""
        ...


@dataclass(frozen=True)
class Somebody:
    """An actor with a token."""

    id: str
    token: str


@dataclass(frozen=True)
class Post:
    """A message on its way."""

    conversation: str
    client_id: str
    content: str
    files: tuple[str, ...] = ()
    since: float = field(default_factory=time.monotonic)
    """When it was first tried."""


class Writer:
    """Somebody who writes in several conversations by turns, with client ids of their own."""

    def __init__(
        self, name: str, author: Somebody, conversations: list[str], code: str, server: Place, history: History
    ) -> None:
        self.name = name
        self.author = author
        self.server = server
        self.history = history
        self.heard_at = 0.0
        """When a post of theirs was acknowledged last."""
        self._posts = self._endless(conversations, code)

    def _endless(self, conversations: list[str], code: str) -> Iterator[Post]:
        """Each eleventh post mentions the agent."""
        for number in count():
            content = f"@{code} {number}" if number % 11 == 0 else f"{self.name} {number}"
            yield Post(conversations[number % len(conversations)], f"{self.name}-{number}", content)

    async def run(self, enough: asyncio.Event) -> None:
        """Write until told, and leave nothing unacknowledged."""
        raise NotImplementedError

    def acknowledged(self, post: Post, answer: dict[str, Any]) -> None:
        """Note the server's word."""
        now = self.heard_at = time.monotonic()
        about = post.conversation, self.author.id, post.client_id
        self.history.acks.append(Ack(*about, answer["seq"], answer["id"], now, now - post.since, post.content))

    def refused(self, post: Post, text: str) -> None:
        """Note an answer that no crash excuses."""
        self.history.refusals.append(f"{post} was refused: {text}")


class HttpWriter(Writer):
    """Posts one message after the other; each seventh is sent again although it was acknowledged."""

    async def run(self, enough: asyncio.Event) -> None:
        """Write until told, and leave nothing unacknowledged."""
        async with self._api() as api:
            for number, post in enumerate(self._posts):
                for _ in range(2 if number % 7 == 0 else 1):
                    await self._post(api, post)
                if enough.is_set():
                    return

    def _api(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.author.token}"}
        return httpx.AsyncClient(
            base_url=f"{self.server.url}/api/v1", headers=headers, timeout=30 * PATIENCE, verify=False
        )

    async def _post(self, api: httpx.AsyncClient, post: Post) -> None:
        body = {"content": post.content, "client_id": post.client_id} | ({"files": post.files} if post.files else {})
        while True:
            await self.server.serving.wait()
            try:
                answer = await api.post(f"/conversations/{post.conversation}/messages", json=body)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.is_success:
                self.acknowledged(post, answer.json())
                return
            if answer.status_code not in PASSING:
                self.refused(post, answer.text)
                return
            await asyncio.sleep(0.05)


class SocketWriter(Writer):
    """Keeps several posts in flight on one socket, and sends all unacknowledged ones again after each loss."""

    async def run(self, enough: asyncio.Event) -> None:
        """Write until told, and leave nothing unacknowledged."""
        self._open: dict[str, Post] = {}
        while self._open or not enough.is_set():
            await self.server.serving.wait()
            with contextlib.suppress(*LOST):
                async with live(self.server, self.author.token) as socket:
                    for post in self._open.values():
                        await self._send(socket, post)
                    await self._converse(socket, enough)
            await asyncio.sleep(0.02)

    async def _converse(self, socket: ClientConnection, enough: asyncio.Event) -> None:
        while self._open or not enough.is_set():
            while len(self._open) < WINDOW and not enough.is_set():
                post = next(self._posts)
                self._open[post.client_id] = post
                await self._send(socket, post)
            self._take(msgspec.json.decode(await socket.recv()))

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "ack" and frame["client_id"] in self._open:
            self.acknowledged(self._open.pop(frame["client_id"]), frame)
        elif frame["type"] == "error":
            if frame["code"] in PASSING_CODES:
                raise ConnectionError("the database is away: connect again and send all anew")
            self.refused(self._open.pop(frame["client_id"]), str(frame))

    async def _send(self, socket: ClientConnection, post: Post) -> None:
        about = {"conversation": post.conversation, "client_id": post.client_id}
        await socket.send(msgspec.json.encode({"type": "post", "content": post.content, **about}).decode())


def live(server: Place, token: str) -> connect:
    """Open the live socket of a server process."""
    url = server.url.replace("http", "ws", 1) + "/api/v1/live"
    return connect(
        url, additional_headers={"authorization": f"Bearer {token}"}, open_timeout=10 * PATIENCE, compression=None
    )
