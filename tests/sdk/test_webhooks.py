"""Webhooks as the client library reads them: what the server signs is verified, whatever was changed is refused."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crewhall.kernel.webhook_signatures import headers_for, new_secret
from crewhall.sdk import InvalidWebhook, WebhookPing, WebhookTurn, verify_webhook

AT = 1614265330
SECRET, OTHER = new_secret(), new_secret()
WHEN = datetime.fromtimestamp(AT, UTC).isoformat()
TURN: dict[str, Any] = {
    "run_id": "r", "agent": {"id": "a", "code": "scout", "name": "Scout"}, "cause": "mention",
    "conversation": {"id": "c", "kind": "group", "members": []}, "triggers": [{"cause": "mention", "message_id": "m"}],
    "messages": [
        {"id": name, "seq": 1, "author_type": "user", "author_id": "u", "name": "Ada", "content": "",
         "created_at": WHEN}
        for name in ("l", "m")
    ],
    "reply": {"answer_url": "https://h/a", "messages_url": "https://h/m", "token": "t", "answer_until": WHEN},
    "a field of a newer server": 1,
}  # fmt: skip


def sent(kind: str, data: dict[str, Any], *secrets: str) -> tuple[dict[str, str], bytes]:
    body = json.dumps({"type": kind, "timestamp": WHEN, "data": data}).encode()
    return headers_for(secrets or [SECRET], "run_r", AT, body), body


def test_what_the_server_signs_is_read() -> None:
    turn = verify_webhook(*sent("turn", TURN), SECRET, now=AT)
    assert isinstance(turn, WebhookTurn)
    assert (turn.webhook_id, [message.id for message in turn.asked]) == ("run_r", ["m"])
    assert json.loads(turn.answer("A heron.")) == {"content": "A heron."}
    assert json.loads(turn.answer(None)) == {"silent": True}
    ping = verify_webhook(*sent("ping", {"agent": TURN["agent"], "asked_by": "Ada"}), SECRET, now=AT)
    assert isinstance(ping, WebhookPing)


def test_a_secret_is_changed_on_either_side_first() -> None:
    for signed_with, known in (([SECRET, OTHER], [OTHER]), ([OTHER], [SECRET, OTHER])):
        assert verify_webhook(*sent("turn", TURN, *signed_with), *known, now=AT).webhook_id == "run_r"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_a_header_it_is_refused(name: str) -> None:
    headers, body = sent("turn", TURN)
    for changed in ({**headers, name: ""}, {**headers, name: headers[name] + "1"}):
        with pytest.raises(InvalidWebhook):
            verify_webhook(changed, body, SECRET, now=AT)


def test_another_body_secret_time_or_kind_is_refused() -> None:
    headers, body = sent("turn", TURN)
    late = AT + 301
    for raw, secrets, now in ((body + b" ", [SECRET], AT), (body, [OTHER], AT), (body, [], AT), (body, [SECRET], late)):
        with pytest.raises(InvalidWebhook):
            verify_webhook(headers, raw, *secrets, now=now)
    for kind, data in (("other", TURN), ("turn", {}), ("turn", {**TURN, "messages": 1})):
        with pytest.raises(InvalidWebhook):
            verify_webhook(*sent(kind, data), SECRET, now=AT)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_no base64"])
def test_what_anybody_could_sign_with_is_no_secret(secret: str) -> None:
    headers, body = sent("turn", TURN)
    key = b"short" if secret.endswith("=") else b""
    mark = hmac.digest(key, f"run_r.{AT}.".encode() + body, "sha256")
    forged = {**headers, "webhook-signature": f"v1,{base64.b64encode(mark).decode()}"}
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        verify_webhook(forged, body, secret, now=AT)


def test_what_was_signed_long_ago_is_not_taken_for_another_id_of_today() -> None:
    body = sent("turn", TURN)[1]
    old = headers_for([SECRET], "run_r", AT - 10_000, f"{AT}.".encode() + body)
    today = {**old, "webhook-id": f"run_r.{AT - 10_000}", "webhook-timestamp": str(AT)}
    with pytest.raises(InvalidWebhook):
        verify_webhook(today, body, SECRET, now=AT)
