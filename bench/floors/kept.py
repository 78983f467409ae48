"""The floor of pages: bytes kept in memory, given out as they are. Nothing is rendered, nobody asked who they are."""

from bench.floors.asgi import Receive, Scope, Send, answer, read_body


class Kept:
    """`POST /keep/<name>` keeps a body, `GET /kept/<name>` gives it."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    async def keep(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep a body."""
        self._bodies[scope["path"].rpartition("/")[2]] = await read_body(receive)
        await answer(send, 201, b"{}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give a kept body."""
        await answer(send, 200, self._bodies[scope["path"].rpartition("/")[2]])
