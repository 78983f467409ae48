"""The timeline: what happened in the organization, posted, read and signed."""

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from crewhall.faces.sdk.paging import walk
from crewhall.faces.sdk.records import Author
from crewhall.faces.sdk.resources import Page
from crewhall.faces.sdk.transport import Transport, as_body, join


class TimelineEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: `summary` in a line, `text` what was said. Without an author the system tells it."""

    id: str
    type: str
    timestamp: datetime
    summary: str
    link: str
    author: Author | None = None
    agent: Author | None = None
    session_id: str | None = None
    project_id: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    entry_id: str | None = None
    title: str | None = None
    text: str = ""
    content: dict[str, Any] = {}
    mentions: list[Author] = []
    metadata: dict[str, Any] = {}
    signature: str | None = None


class EventTypeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A type of events: `schema` is the JSON schema of its content, `is_posted` by people and agents themselves."""

    type: str
    label: str
    group: str
    is_posted: bool
    schema: dict[str, Any]


class Timeline:
    """The organization's timeline, as far as the signed-in actor sees it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        types: Sequence[str] = (),
        author_id: str | None = None,
        agent_id: str | None = None,
        session_id: str | None = None,
        project_id: str | None = None,
        conversation_id: str | None = None,
        mention: str | None = None,
        labels: Mapping[str, str] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        words: str | None = None,
    ) -> AsyncIterator[TimelineEvent]:
        """Give events, newest first. `labels` are keys and values of their metadata, all of which they have."""
        query = {
            "q": words,
            "type": [*types] or None,
            "author": author_id,
            "agent": agent_id,
            "session": session_id,
            "project": project_id,
            "conversation": conversation_id,
            "mention": mention,
            "metadata": [f"{key}={value}" for key, value in (labels or {}).items()] or None,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
        }
        return walk(self._transport, "/timeline", Page[TimelineEvent], query)

    async def show(self, event_id: str) -> TimelineEvent:
        """Give one event."""
        return await self._transport.call("GET", join("timeline", event_id), TimelineEvent)

    async def types(self) -> Page[EventTypeInfo]:
        """Give every type of events."""
        return await self._transport.call("GET", "/timeline/types", Page[EventTypeInfo])

    async def post(
        self,
        type: str,
        content: Mapping[str, Any],
        *,
        mentions: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        key: bytes | None = None,
    ) -> TimelineEvent:
        """Post an event. `key`: the 32 bytes of the agent's private key, by which it is signed."""
        said = {
            "type": type,
            "content": dict(content),
            "mentions": [*mentions],
            "metadata": dict(metadata or {}),
        }
        signature = sign_event(key, said) if key is not None else None
        return await self._transport.call("POST", "/timeline", TimelineEvent, body=as_body(**said, signature=signature))

    async def report_problem(self, text: str, *, severity: str | None = None, **more: Any) -> TimelineEvent:
        """Post a problem: `severity` is low, medium, high or critical. `more` as `post` takes it."""
        return await self.post("problem_report", as_body(text=text, severity=severity), **more)

    async def ask(self, text: str, **more: Any) -> TimelineEvent:
        """Post a question. `more` as `post` takes it."""
        return await self.post("question_asked", {"text": text}, **more)

    async def advise(self, text: str, *, about: str | None = None, **more: Any) -> TimelineEvent:
        """Post advice; `about` is the event that it answers. `more` as `post` takes it."""
        return await self.post("advice_given", as_body(text=text, about=about), **more)


def sign_event(key: bytes, said: Mapping[str, Any]) -> str:
    """The signature of an event: Ed25519 over the canonical JSON of `content`, `mentions`, `metadata` and `type`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signed = {name: said[name] for name in ("content", "mentions", "metadata", "type")}
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(key).sign(text)).decode()
