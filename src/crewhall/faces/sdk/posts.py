"""Posts over the live socket that wait for their acknowledgement, and are sent again after a lost connection."""

import asyncio

import msgspec

from crewhall.faces.sdk.errors import CrewhallApiError
from crewhall.faces.sdk.frames import Ack, Refused

PATIENT = frozenset({"too_many_requests", "unavailable", "database_away", "log_behind", "kafka_away"})


class _Waiting(msgspec.Struct):
    text: str
    acknowledged: asyncio.Future[Ack]


class WaitingPosts:
    """By client id. The client id makes a second sending harmless."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}

    def add(self, client_id: str, text: str) -> asyncio.Future[Ack]:
        """Note a post that is about to be sent; the same client id twice at once is one post."""
        known = self._waiting.get(client_id)
        if known is not None:
            return known.acknowledged
        acknowledged: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._waiting[client_id] = _Waiting(text, acknowledged)
        return acknowledged

    def texts(self, client_id: str | None = None) -> list[str]:
        """Frames to send again, in the order in which they were posted: all that wait, or the one of a client id."""
        return [waiting.text for name, waiting in self._waiting.items() if client_id in {None, name}]

    def acknowledge(self, ack: Ack) -> None:
        """The post is durable."""
        waiting = self._waiting.pop(ack.client_id, None)
        if waiting is not None and not waiting.acknowledged.done():
            waiting.acknowledged.set_result(ack)

    def refuse(self, refused: Refused) -> bool:
        """Fail the post, unless the refusal will pass; tells whether it should be sent again."""
        if refused.code in PATIENT:
            return True
        self._fail(refused.client_id or "", CrewhallApiError(refused.code, 0, refused.detail))
        return False

    def fail_all(self, error: Exception) -> None:
        """Nothing more will be sent."""
        for client_id in list(self._waiting):
            self._fail(client_id, error)

    def _fail(self, client_id: str, error: Exception) -> None:
        waiting = self._waiting.pop(client_id, None)
        if waiting is not None and not waiting.acknowledged.done():
            waiting.acknowledged.set_exception(error)
            waiting.acknowledged.exception()  # a caller that gave up must not make asyncio complain
