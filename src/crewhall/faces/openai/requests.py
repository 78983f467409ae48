"""The body of a chat completion: read, checked parameter by parameter, turned into what is asked of the agent.

docs/openai.md says of each parameter what becomes of it; what is not named there or here is ignored.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from crewhall.faces.openai.errors import UNSUPPORTED_PARAMETER
from crewhall.faces.openai.messages import ChatMessage, News, news_of
from crewhall.kernel.errors import INVALID, MALFORMED
from crewhall.kernel.wording import in_words
from crewhall.runtime import CallersTool, Completion

CONVERSATION = "X-Crewhall-Conversation"
IN_METADATA = "conversation_id"
CHOICES = (None, "auto", "none")
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Tokens = Annotated[int, Meta(ge=1, le=10_000_000)]
Stop = Annotated[str, Meta(min_length=1, max_length=200)]


class Function(Struct, kw_only=True):
    """A function that the caller has."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_-]+$")]
    description: Annotated[str, Meta(max_length=10_000)] | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolParameter(Struct, kw_only=True):
    """A tool that the caller declares."""

    type: str
    function: Function | None = None


class StreamOptions(Struct):
    """How to stream."""

    include_usage: bool | None = None


class ChatRequest(Struct, kw_only=True):
    """A chat completion as callers ask for it."""

    model: Annotated[str, Meta(min_length=1, max_length=300)]
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=5_000)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[ToolParameter], Meta(max_length=128)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: Stop | Annotated[list[Stop], Meta(max_length=4)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    n: int | None = None
    logprobs: bool | None = None
    logit_bias: dict[str, float] | None = None
    response_format: dict[str, Any] | None = None
    modalities: list[str] | None = None
    functions: list[Any] | None = None
    web_search_options: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


class Asked(Struct, kw_only=True):
    """What a caller asks for."""

    model: str
    news: News
    completion: Completion
    conversation_id: UUID | None
    is_streamed: bool
    with_usage: bool


def read_request(body: bytes, conversation: str | None) -> Asked:
    """Read a request; `conversation` is what the header names. Raises MALFORMED, INVALID, UNSUPPORTED_PARAMETER."""
    try:
        data = msgspec.json.decode(body, type=ChatRequest)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        field = place.strip("`.") or None
        raise INVALID(f"{field}: {in_words(message)}" if field else in_words(message), field=field) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MALFORMED("The body is not valid JSON.") from error
    _refuse(data)
    news = news_of(data.messages)
    conversation_id = _conversation(conversation or (data.metadata or {}).get(IN_METADATA))
    return Asked(
        model=data.model,
        news=news,
        completion=Completion(
            instructions=news.instructions,
            earlier=[] if conversation_id else news.earlier,
            tools=_tools(data),
            settings=_settings(data),
        ),
        conversation_id=conversation_id,
        is_streamed=bool(data.stream),
        with_usage=bool(data.stream_options and data.stream_options.include_usage),
    )


def _refuse(data: ChatRequest) -> None:
    """Refuse what would be silently wrong if it were ignored."""
    shape = (data.response_format or {}).get("type", "text")
    refused = {
        "n": ((data.n or 1) != 1, "An agent gives one answer."),
        "logprobs": (bool(data.logprobs), "Agents tell no probabilities."),
        "logit_bias": (bool(data.logit_bias), "Agents take no bias of tokens."),
        "response_format": (shape != "text", "An agent answers with text. Say in words which form you want."),
        "modalities": (any(one != "text" for one in data.modalities or ()), "An agent answers with text."),
        "functions": (bool(data.functions), "Declare `tools` instead."),
        "tool_choice": (data.tool_choice not in CHOICES, "An agent chooses its tools: say `auto` or `none`."),
        "web_search_options": (data.web_search_options is not None, "An agent searches with the tools that it has."),
    }
    for name, (is_refused, sentence) in refused.items():
        if is_refused:
            raise UNSUPPORTED_PARAMETER(sentence, field=name)


def _tools(data: ChatRequest) -> list[CallersTool]:
    if data.tool_choice == "none":
        return []
    found: dict[str, CallersTool] = {}
    for at, tool in enumerate(data.tools or ()):
        function = tool.function
        if tool.type != "function" or function is None:
            raise UNSUPPORTED_PARAMETER("Only tools of the type `function` are understood.", field=f"tools[{at}].type")
        if function.name in found:
            raise INVALID(f"Two tools are called {function.name}.", field=f"tools[{at}].function.name")
        found[function.name] = CallersTool(
            name=function.name,
            description=function.description or "",
            parameters=function.parameters or {},
            strict=function.strict,
        )
    return list(found.values())


def _settings(data: ChatRequest) -> dict[str, Any]:
    """What is passed on to the model, under the names of `model_config`."""
    asked = {
        "temperature": data.temperature,
        "top_p": data.top_p,
        "max_tokens": data.max_completion_tokens or data.max_tokens,
        "stop_sequences": [data.stop] if isinstance(data.stop, str) else data.stop,
        "seed": data.seed,
        "presence_penalty": data.presence_penalty,
        "frequency_penalty": data.frequency_penalty,
        "parallel_tool_calls": data.parallel_tool_calls if data.tools else None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _conversation(named: object) -> UUID | None:
    if not named:
        return None
    try:
        return UUID(str(named))
    except ValueError:
        raise INVALID("This is no id of a conversation.", field=CONVERSATION) from None
