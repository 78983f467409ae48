"""Webhooks of an agent that is served at an address: what comes is verified and read, from any framework or none.

turn = verify_webhook(headers, body, secret)     # the raw body, before anything has read it
if isinstance(turn, WebhookTurn):
return 200, turn.answer("A heron.")           # or 202, and later client.turns.answer(turn.run_id, "A heron.")
"""

import base64
import binascii
import hmac
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from crewhall.faces.sdk.resources import ConversationRef
from crewhall.faces.sdk.runs import RunAgent

TOLERANCE_S = 300
VERSION = "v1,"
PREFIX = "whsec_"
MOST_SIGNATURES, MOST_DIGITS = 16, 12
FEWEST_BYTES, MOST_BYTES = 24, 64
"""Of a secret's key. Anybody can sign with the empty one."""


class InvalidWebhook(Exception):
    """What came was not signed with the secret, is too old, or is nothing that Crewhall sends. Answer it with 401."""


class WebhookMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the conversation; `thread_seq` is the seq of the one that it replies to."""

    id: str
    seq: int
    author_type: str
    author_id: str
    name: str
    content: str
    created_at: datetime
    handle: str | None = None
    thread_seq: int | None = None


class WebhookTrigger(msgspec.Struct, frozen=True, kw_only=True):
    """Why the agent is asked: a message, or without one the turn's prompt."""

    cause: str
    message_id: str | None = None
    message_seq: int | None = None


class WebhookReply(msgspec.Struct, frozen=True, kw_only=True):
    """Where an answer goes that comes later, and the token with which the conversation may be read meanwhile."""

    answer_url: str
    messages_url: str
    token: str
    answer_until: datetime


class WebhookTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A turn that the agent is asked for. `webhook_id` is the same when the same turn is asked again."""

    webhook_id: str
    run_id: str
    agent: RunAgent
    conversation: ConversationRef
    cause: str
    triggers: list[WebhookTrigger]
    messages: list[WebhookMessage]
    reply: WebhookReply
    instructions: str = ""
    prompt: str | None = None
    aside: str | None = None
    parent_id: str | None = None
    omitted: bool = False
    seen_seq: int = 0

    @property
    def asked(self) -> list[WebhookMessage]:
        """The messages that the turn is about."""
        wanted = {trigger.message_id for trigger in self.triggers}
        return [message for message in self.messages if message.id in wanted]

    @staticmethod
    def answer(content: str | None) -> bytes:
        """The JSON that answers at once, with 200; None says nothing."""
        return msgspec.json.encode({"silent": True} if content is None else {"content": content})


class WebhookPing(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody tries whether the agent's address answers: with 200, whatever the body."""

    webhook_id: str
    agent: RunAgent
    asked_by: str = ""


def verify_webhook(
    headers: Mapping[str, str], body: bytes, *secrets: str, now: float | None = None
) -> WebhookTurn | WebhookPing:
    """Return what came, if it was signed with one of the secrets: two, while one is being changed.

    `body` is what came, unread; `headers` in any case. `now` is in seconds since 1970, by default this moment.
    Raises InvalidWebhook, and ValueError for what is no secret: an empty one, say.
    """
    known = {name.lower(): value for name, value in headers.items()}
    webhook_id = known.get("webhook-id", "")
    _check(known, webhook_id, body, secrets, time.time() if now is None else now)
    try:
        found = msgspec.json.decode(body, type=_Envelope)
        return msgspec.convert({**found.data, "webhook_id": webhook_id}, _KINDS[found.type])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
        raise InvalidWebhook(f"This is nothing that is known here: {error}") from error


def _check(known: Mapping[str, str], webhook_id: str, body: bytes, secrets: Iterable[str], now: float) -> None:
    sent_at = known.get("webhook-timestamp", "")
    is_time = sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= MOST_DIGITS
    if not webhook_id or "." in webhook_id or not is_time:
        raise InvalidWebhook("A signed webhook has webhook-id, webhook-timestamp and webhook-signature.")
    if abs(now - int(sent_at)) > TOLERANCE_S:
        raise InvalidWebhook(f"It was signed more than {TOLERANCE_S} s from now: check the clock.")
    given = known.get("webhook-signature", "").split()[:MOST_SIGNATURES]
    signed = f"{webhook_id}.{sent_at}.".encode() + body
    matches = False
    for secret in secrets:
        wanted = (VERSION + base64.b64encode(hmac.digest(_key_of(secret), signed, sha256)).decode()).encode()
        for one in given:
            matches |= hmac.compare_digest(wanted, one.encode())
    if not matches:
        raise InvalidWebhook("No signature fits: check the secret, and that the body is as it came.")


def _key_of(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"a webhook's secret is whsec_ and base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes")
    return key


class _Envelope(msgspec.Struct):
    type: str
    timestamp: datetime
    data: dict[str, Any]


_KINDS: dict[str, type[WebhookTurn] | type[WebhookPing]] = {"turn": WebhookTurn, "ping": WebhookPing}
