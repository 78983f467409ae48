"""What a client may say on a live socket."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from crewhall.conversations import ClientId, PostMessage
from crewhall.faces.plumbing.refusals import refusal_of
from crewhall.kernel.errors import INVALID, MALFORMED, CrewhallError
from crewhall.ports.message_log import MAX_SEQ


class Subscribe(msgspec.Struct, tag="subscribe", tag_field="type"):
    """Send what came after `after`, then everything live; beyond the newest record only what is live."""

    conversation: UUID
    after: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)] | None = None


class Unsubscribe(msgspec.Struct, tag="unsubscribe", tag_field="type"):
    """Stop sending a conversation."""

    conversation: UUID


class Post(PostMessage, tag="post", tag_field="type", kw_only=True):
    """Post a message; answered by `ack` or `error`, both with the client id."""

    conversation: UUID
    client_id: ClientId


class Typing(msgspec.Struct, tag="typing", tag_field="type"):
    """The actor is writing."""

    conversation: UUID


class Heartbeat(msgspec.Struct, tag="heartbeat", tag_field="type"):
    """An agent is there, and whether it is busy."""

    presence: Literal["online", "busy"] = "online"


class Ping(msgspec.Struct, tag="ping", tag_field="type"):
    """Answered by `pong`."""


Command = Subscribe | Unsubscribe | Post | Typing | Heartbeat | Ping
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for a frame that is no command."""
decoder = msgspec.json.Decoder(Command)


def unreadable(error: Exception, text: str | bytes) -> CrewhallError:
    """Say why a frame was refused, as REST does of a body: malformed when it is no JSON, otherwise invalid."""
    if isinstance(error, RecursionError):
        return MALFORMED("This frame is nested too deeply.")
    if not isinstance(error, msgspec.ValidationError):
        return MALFORMED(f"This frame cannot be read: {error}")
    try:
        said = msgspec.json.decode(text)
    except UNREADABLE as broken:  # the decoder stopped at the first wrong field, and read nothing of what follows it
        return unreadable(broken, text)
    return INVALID(refusal_of(str(error), Command, said).sentence)


class _Subject(msgspec.Struct):
    conversation: str | None = None
    client_id: str | None = None


_subjects = msgspec.json.Decoder(_Subject)


def subject_of(text: str | bytes) -> dict[str, str]:
    """What a refused command was about, as far as it can be read: its sender waits for an answer to just that."""
    try:
        found = _subjects.decode(text)
    except UNREADABLE:
        return {}
    return {name: value for name, value in msgspec.structs.asdict(found).items() if value is not None}
