"""Frames of the live connection, as they are received and sent."""

from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.records import Author, Record, read_record


class RecordEvent(msgspec.Struct, frozen=True):
    """A record of a conversation's log: each once, in order of seq."""

    conversation: str
    seq: int
    record: Record


class Resumed(msgspec.Struct, frozen=True):
    """Everything up to `seq` was given; what follows is live."""

    conversation: str
    seq: int


class Ephemeral(msgspec.Struct, frozen=True):
    """Somebody types (`typing`), came or went (`presence`), was made a member (`joined`), or writes (`tokens`).

    Not logged; may be lost. `tokens` carries the `text` of an answer to come: of its `run`, of which `request` to the
    model, after so many characters (`at`), in the thread of `parent_id`; `done` when no more will come. `conversation`
    says that the one it names is not what it was: by `change` changed (its name, title, description, policy, who reads
    along), archived, restored, deleted, or removed (the actor is in it no more).
    """

    event: str
    actor: Author | None = None
    conversation: str | None = None
    presence: str | None = None
    run: str | None = None
    parent_id: str | None = None
    request: int = 0
    at: int = 0
    text: str = ""
    done: bool = False
    change: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """The server refused something, for example to go on with a conversation that the actor has left."""

    code: str
    detail: str
    conversation: str | None = None
    client_id: str | None = None
    retry_after: float | None = None


class Ack(msgspec.Struct, frozen=True):
    """A post is durable."""

    conversation: str
    client_id: str
    id: str
    seq: int
    created_at: datetime


Event = RecordEvent | Resumed | Ephemeral | Refused
Frame = Event | Ack


class _Head(msgspec.Struct):
    type: str


class _RawRecord(msgspec.Struct):
    conversation: str
    seq: int
    record: msgspec.Raw


_KINDS: dict[str, type[Resumed | Ephemeral | Refused | Ack]] = {
    "resumed": Resumed,
    "ephemeral": Ephemeral,
    "error": Refused,
    "ack": Ack,
}


def read_frame(text: str | bytes) -> Frame | None:
    """Read a frame; None for one that carries nothing (`pong`) or that this client does not know."""
    kind = msgspec.json.decode(text, type=_Head).type
    if kind == "record":
        raw = msgspec.json.decode(text, type=_RawRecord)
        return RecordEvent(raw.conversation, raw.seq, read_record(raw.record))
    known = _KINDS.get(kind)
    return None if known is None else msgspec.json.decode(text, type=known)


def frame(kind: str, **fields: Any) -> str:
    """Make a command of the fields that are not None; `after` is always sent."""
    kept = {name: value for name, value in fields.items() if value is not None or name == "after"}
    return msgspec.json.encode({"type": kind, **kept}).decode()
