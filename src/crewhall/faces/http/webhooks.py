"""What the description says of the webhooks that Crewhall sends: to agents that are served at an address."""

from typing import Any

import msgspec

from crewhall.runtime import PingWebhook, TurnWebhook, WebhookAnswer

HEADERS = {
    "webhook-id": "The same for the same turn, however often it is asked.",
    "webhook-timestamp": "When it was signed, in seconds since 1970.",
    "webhook-signature": "`v1,` and base64, over id, timestamp and body; two while a secret is being changed.",
}
SENT = {
    "turn": (TurnWebhook, "An agent is asked for a turn", "Answer 200 with what it says, or 202 and say it later."),
    "ping": (PingWebhook, "An agent's address is tried", "Any 2xx will do."),
}


def describe_webhooks(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the description's `webhooks`; the schemas that they need and that are not there yet are added."""
    kinds = [WebhookAnswer, *(kind for kind, _, _ in SENT.values())]
    _, found = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for name, schema in found.items():
        schemas.setdefault(name, schema)
    return {name: {"post": _operation(*about)} for name, about in SENT.items()}


def _operation(kind: type, summary: str, description: str) -> dict[str, Any]:
    answers: dict[str, Any] = {"200": {"description": "Heard."}}
    if kind is TurnWebhook:
        answer = {"application/json": {"schema": {"$ref": f"#/components/schemas/{WebhookAnswer.__name__}"}}}
        answers = {
            "200": {"description": "What the agent says.", "content": answer},
            "202": {"description": "The answer comes later."},
        }
    return {
        "operationId": f"receive_{kind.__name__}",
        "tags": ["Turns"],
        "summary": summary,
        "description": f"Signed as Standard Webhooks has it. {description}",
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}},
        },
        "responses": answers,
    }
