"""Messages that the signed-in person keeps, and where they may want to go."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Message
from crewhall.faces.sdk.resources import ConversationRef, Page, SearchHit
from crewhall.faces.sdk.transport import Nothing, Transport, join


class SavedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the person has saved. `done_at`: they are done with it."""

    message: Message
    conversation: ConversationRef
    note: str = ""
    saved_at: datetime | None = None
    done_at: datetime | None = None


class PlaceFound(msgspec.Struct, frozen=True, kw_only=True):
    """Where one may go: a `conversation`, a person (`user`) or an `agent`; `detail`: description, handle or code."""

    type: str
    id: str
    name: str = ""
    detail: str = ""
    conversation_id: str | None = None
    kind: str | None = None
    status: str | None = None
    presence: str | None = None

    @property
    def label(self) -> str:
        """What to call it: #name of a channel, @handle or @code of somebody, else its name."""
        if self.type != "conversation":
            return f"@{self.detail}"
        return f"#{self.name}" if self.kind == "channel" else self.name


class TaskFound(msgspec.Struct, frozen=True, kw_only=True):
    """A task that was found; `name` is what it is called in passing: `cafe-orders#12`. `snippet` is safe HTML."""

    id: str
    name: str
    title: str
    project: str
    status: str
    priority: str
    text: str = ""
    snippet: str = ""
    created_at: datetime | None = None


class PlacesFound(msgspec.Struct, frozen=True):
    """Where one may go, best first, messages and tasks that match."""

    places: list[PlaceFound]
    messages: list[SearchHit] = []
    tasks: list[TaskFound] = []


class Saved:
    """What the signed-in person keeps to find again; agents have none."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, done: bool = False, conversation_id: str | None = None) -> AsyncIterator[SavedMessage]:
        """Give what is saved and may still be read, the last saved first; with `done`, what they are done with."""
        query = {"status": "done" if done else "open", "conversation": conversation_id}
        return walk(self._transport, "/saved", Page[SavedMessage], query)

    async def save(
        self, conversation_id: str, message_id: str, *, note: str | None = None, done: bool | None = None
    ) -> SavedMessage:
        """Save a message, or change its note or whether they are done with it; what is left out stays."""
        given: dict[str, Any] = {"note": note, "done": done}
        body = {name: value for name, value in given.items() if value is not None}
        return await self._transport.call("PUT", _path(conversation_id, message_id), SavedMessage, body=body)

    async def forget(self, conversation_id: str, message_id: str) -> None:
        """Keep a message no longer; again changes nothing."""
        await self._transport.call("DELETE", _path(conversation_id, message_id), Nothing)


async def find_places(transport: Transport, q: str, limit: int | None) -> PlacesFound:
    """Ask the switcher."""
    return await transport.call("GET", "/switcher", PlacesFound, query={"q": q, "limit": limit})


def _path(conversation_id: str, message_id: str) -> str:
    return join("conversations", conversation_id, "messages", message_id, "saved")
