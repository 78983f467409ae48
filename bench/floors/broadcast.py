"""The floor of fan-out: every WebSocket of a room is sent each text that is posted to it, one after the other.

The posted body is the frame (300 bytes); nothing is parsed, stored, checked or queued.
"""

from bench.floors.asgi import Receive, Scope, Send, answer, read_body


class Broadcast:
    """WebSocket `/live/<room>`, `POST /broadcast/<room>`."""

    def __init__(self) -> None:
        self._rooms: dict[str, set[Send]] = {}

    async def listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep one listener until it goes."""
        room = self._rooms.setdefault(scope["path"].rpartition("/")[2], set())
        await receive()
        await send({"type": "websocket.accept"})
        room.add(send)
        try:
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            room.discard(send)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body to everybody in the room."""
        await self.tell(scope["path"].rpartition("/")[2], (await read_body(receive)).decode())
        await answer(send, 201, b"{}")

    async def tell(self, room: str, text: str) -> None:
        """Send a text to everybody in the room."""
        message = {"type": "websocket.send", "text": text}
        for listener in tuple(self._rooms.get(room, ())):
            await listener(message)
