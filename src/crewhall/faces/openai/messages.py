"""What of a caller's messages is new to Crewhall. Pure.

New is what stands behind the last message of the assistant: words of the user, which are posted, or results of tools,
which let a turn go on. Instructions count for this turn, wherever they stand. What came before is in the conversation
that the caller continues; where it continues none, the agent is told of it beside the conversation.
"""

from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from crewhall.conversations import MAX_CONTENT_LENGTH
from crewhall.faces.openai.errors import UNSUPPORTED_PARAMETER
from crewhall.kernel.errors import INVALID
from crewhall.runtime import Earlier

CALL = "call_"
"""Before the id of a call, as its caller is told it."""
TEXTS = frozenset({"text", "input_text", "output_text", "refusal"})
INSTRUCTING = frozenset({"system", "developer"})


class ChatMessage(Struct, kw_only=True):
    """A message as callers send it."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    tool_call_id: str | None = None


class News(Struct):
    """What a request brings: either words of the user or results of tools is not empty."""

    instructions: list[str]
    earlier: list[Earlier]
    words: list[str]
    results: dict[UUID, str]


def news_of(messages: list[ChatMessage]) -> News:
    """Tell what is new. Raises INVALID (nothing is, or both at once), UNSUPPORTED_PARAMETER (more than text)."""
    texts = [_text(message, f"messages[{at}]") for at, message in enumerate(messages)]
    behind = max((at for at, message in enumerate(messages) if message.role == "assistant"), default=-1) + 1
    found = News([], [], [], {})
    for at, (message, text) in enumerate(zip(messages, texts, strict=True)):
        if message.role in INSTRUCTING:
            found.instructions += [text] if text.strip() else []
        elif at < behind:
            said = message.role in {"user", "assistant"} and text.strip()
            found.earlier += [Earlier(message.role, text)] if said else []
        elif message.role == "user":
            found.words.append(_checked(text, f"messages[{at}]"))
        else:
            found.results[_call_of(message, at)] = text
    if found.words and found.results:
        raise INVALID("Answer the tool calls alone, and go on when the agent has answered.", field="messages")
    if not found.words and not found.results:
        raise INVALID("Nothing is new: end with a message of the user, or results of tools.", field="messages")
    return found


def call_name(call_id: UUID) -> str:
    """A call's id, as its caller is told it."""
    return CALL + call_id.hex


def _text(message: ChatMessage, field: str) -> str:
    if not isinstance(message.content, list):
        return (message.content or "").replace("\0", "\ufffd")
    parts = []
    for at, part in enumerate(message.content):
        if part.get("type") not in TEXTS:
            raise UNSUPPORTED_PARAMETER(
                "Only text is understood here: no images, sounds or files.", field=f"{field}.content[{at}]"
            )
        parts.append(str(part.get("text") or part.get("refusal") or ""))
    return "\n".join(parts).replace("\0", "\ufffd")


def _checked(text: str, field: str) -> str:
    if not text.strip():
        raise INVALID("The user's message is empty.", field=f"{field}.content")
    if len(text) > MAX_CONTENT_LENGTH:
        raise INVALID(f"A message has at most {MAX_CONTENT_LENGTH:,} characters.", field=f"{field}.content")
    return text


def _call_of(message: ChatMessage, at: int) -> UUID:
    try:
        return UUID(hex=(message.tool_call_id or "").removeprefix(CALL))
    except ValueError:
        raise INVALID(
            "This is no id of a tool call that you were given.", field=f"messages[{at}].tool_call_id"
        ) from None
