"""What callers are given: models and completions, whole or in chunks, as OpenAI's clients read them."""

import time
from typing import Any
from uuid import UUID

import msgspec

from crewhall.agents import Agent
from crewhall.faces.openai.messages import call_name
from crewhall.faces.openai.turn import Finished, Turn

Body = dict[str, Any]
DONE = b"data: [DONE]\n\n"
STILL_HERE = b": still here\n\n"


def model_of(agent: Agent, name: str, organization: str) -> Body:
    """An agent as a model."""
    return {
        "id": name,
        "object": "model",
        "created": int(agent.created_at.timestamp()),
        "owned_by": organization,
        "name": agent.name,
        "description": agent.description,
    }


class Answer:
    """The answer to one request, under one id and time."""

    def __init__(self, turn: Turn, model: str, *, with_usage: bool) -> None:
        self._turn = turn
        self._with_usage = with_usage
        self._head = {"id": f"chatcmpl-{turn.id.hex}", "created": int(time.time()), "model": model}

    def whole(self, finished: Finished) -> Body:
        """The completion in one piece."""
        message: Body = {"role": "assistant", "content": finished.text or None, "refusal": None}
        if finished.calls:
            message["tool_calls"] = _calls(finished)
        else:
            message["content"] = finished.text
        choice = {"index": 0, "message": message, "finish_reason": finished.reason, "logprobs": None}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": _usage(finished),
            "metadata": self._metadata(finished.message_id),
        }

    def begun(self) -> bytes:
        """The first chunk: who speaks."""
        return self._chunk({"role": "assistant", "content": ""}, metadata=self._metadata())

    def spoken(self, text: str) -> bytes:
        """A chunk of words."""
        return self._chunk({"content": text})

    def ended(self, finished: Finished) -> bytes:
        """The last chunks: calls, why it ended, what it used, and that nothing follows."""
        chunks = []
        if finished.calls:
            calls = [{"index": at, **call} for at, call in enumerate(_calls(finished))]
            chunks.append(self._chunk({"tool_calls": calls}))
        chunks.append(self._chunk({}, finished.reason, metadata=self._metadata(finished.message_id)))
        if self._with_usage:
            body = {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(finished)}
            chunks.append(_event(body))
        return b"".join([*chunks, DONE])

    def _chunk(self, delta: Body, reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        usage = {"usage": None} if self._with_usage else {}
        return _event({**self._head, "object": "chat.completion.chunk", "choices": [choice], **usage, **more})

    def _metadata(self, message_id: UUID | None = None) -> dict[str, str]:
        known = {
            "conversation_id": self._turn.conversation_id,
            "run_id": self._turn.run_id,
            "message_id": message_id,
        }
        return {name: str(value) for name, value in known.items() if value is not None}


def failed(body: Body) -> bytes:
    """The event that ends a stream which had begun."""
    return _event(body)


def _calls(finished: Finished) -> list[Body]:
    return [
        {"id": call_name(call.id), "type": "function", "function": {"name": call.tool, "arguments": call.arguments}}
        for call in finished.calls
    ]


def _usage(finished: Finished) -> Body:
    given, made = finished.input_tokens, finished.output_tokens
    return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


def _event(body: Body) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"
