"""Frames, serialised once however many listen."""

from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations import wire_of
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.live import Ephemeral
from crewhall.ports.message_log import Record

_encoder = msgspec.json.Encoder()


class Frame:
    """One frame: its text for sockets, and its seq when it carries a record."""

    __slots__ = ("seq", "text")

    def __init__(self, text: str, seq: int | None = None) -> None:
        self.text = text
        self.seq = seq


def frame_of(fields: dict[str, Any]) -> Frame:
    """Make a frame from its fields."""
    return Frame(_encoder.encode(fields).decode())


def record_frame(record: Record) -> Frame:
    """The frame of a log record."""
    head = f'{{"type":"record","conversation":"{record.conversation_id}","seq":{record.seq},"record":'
    return Frame(head + wire_of(record).decode() + "}", record.seq)


def resumed_frame(conversation_id: UUID, seq: int) -> Frame:
    """Everything up to `seq` was sent; what follows is live."""
    return frame_of({"type": "resumed", "conversation": conversation_id, "seq": seq})


def error_frame(error: CrewhallError, **about: Any) -> Frame:
    """An error, about a conversation or a client id where it is known."""
    fields = {"type": "error", "code": error.code, "detail": error.detail, **msgspec.to_builtins(error.fields)}
    return frame_of(fields | {key: value for key, value in about.items() if value is not None})


def ephemeral_frame(actor: Actor, frame: Ephemeral) -> Frame:
    """Typing, presence, tokens: not logged, no seq."""
    return frame_of({
        "type": "ephemeral",
        "conversation": frame.conversation_id,
        "event": frame.event,
        "actor": {"type": actor.type, "id": actor.id, "name": actor.name},
        **frame.fields,
    })  # fmt: skip
