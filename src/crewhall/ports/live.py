"""Frames that are not logged: typing, presence, tokens. Loss is allowed."""

from typing import Any, Protocol
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor


class Ephemeral(msgspec.Struct, frozen=True):
    """An event for the listeners of one conversation, or (without one) of a whole organization."""

    org_id: UUID
    conversation_id: UUID | None
    event: str
    fields: dict[str, Any]


class Live(Protocol):
    """Sends ephemeral frames to whoever listens, in every process."""

    def emit(self, actor: Actor, frame: Ephemeral) -> None:
        """Send one frame, soon; never blocks, never raises."""
        ...


class MemoryLive:
    """Keeps what was emitted: the fake of tests."""

    def __init__(self) -> None:
        self.emitted: list[tuple[Actor, Ephemeral]] = []

    def emit(self, actor: Actor, frame: Ephemeral) -> None:
        """Keep the frame."""
        self.emitted.append((actor, frame))
