"""The dialogue of a turn with its model: a request, the calls that come back, their results, until there is an answer.

The library speaks to the model; what follows from an answer is the turn engine's own (docs/adr/0031). Imports
pydantic-ai: import it within the first turn.
"""

import json
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from crewhall.runtime.compaction import noted
from crewhall.runtime.completions import CallersTool
from crewhall.runtime.context import Context, shown
from crewhall.runtime.endings import Ending, PutAside, failed
from crewhall.runtime.journaled import JournaledModel
from crewhall.runtime.knowing import cited
from crewhall.runtime.outside import OutsideCalls, numbered
from crewhall.runtime.tools import Caller, Tool
from crewhall.runtime.toolset import Ended, JournaledToolset
from crewhall.runtime.vocabulary import Cause

MISTAKES = 2
"""Times in a row that a model may call tools wrongly before the turn fails."""
ASKED = {
    Cause.MENTION: "You were mentioned in #{seq}.",
    Cause.REPLY: "#{seq} replies to you.",
    Cause.DIRECT: "#{seq} was written to you.",
    Cause.API: "#{seq} was written to you, through a program.",
    Cause.AUTO: "#{seq} was said here. Answer it if you have something to add.",
}
ASKED_BY_NAME = frozenset({Cause.MENTION, Cause.REPLY, Cause.DIRECT})


class Dialogue:
    """The dialogue of one attempt. `most_requests` are made until there is an answer, or the caller is to do calls."""

    def __init__(
        self, model: JournaledModel, context: Context, toolset: JournaledToolset, calls: OutsideCalls, *,
        callers_tools: list[CallersTool], most_requests: int,
    ) -> None:  # fmt: skip
        self._model = model
        self._toolset = toolset
        self._calls = calls
        self._most_requests = most_requests
        self._instructions = context.instructions
        self._messages = told(context)
        self._opening(self._messages[-1])
        tools = [*map(_tool, toolset.tools.values()), *map(_callers_tool, callers_tools)]
        self._parameters = ModelRequestParameters(function_tools=tools)
        self._mistakes = 0

    async def answer(self, settings: ModelSettings, caller: Caller) -> str:
        """Ask, and use what is called, until there is an answer; gives its text, empty where nothing is to be said.

        Raises TurnEnded, and PutAside when somebody has to do their part first.
        """
        requests = 0
        while requests < self._most_requests:
            requests += 1
            response = await self._model.request(self._messages, settings, self._parameters)
            _check_whole(response, settings)
            if not response.tool_calls:
                return response.text or ""
            results = await self._results(response.tool_calls, caller)
            if any(call.tool_name in self._calls.tools for call in response.tool_calls):
                requests = 0
            self._messages += [response, ModelRequest(parts=results, instructions=self._instructions)]
        raise failed(
            Ending.TOO_MANY_REQUESTS,
            f"I asked my model {self._most_requests} times without coming to an answer, and stopped. "
            "Ask for something smaller.",
        )

    def _opening(self, first: ModelMessage) -> None:
        assert isinstance(first, ModelRequest)
        first.instructions = self._instructions

    async def _results(self, called: list[ToolCallPart], caller: Caller) -> list[ToolReturnPart]:
        """The results of an answer's calls: the agent's own one after the other, then those of the caller's tools."""
        outside = [call for call in called if call.tool_name in self._calls.tools]
        own = [call for call in called if call.tool_name not in self._calls.tools]
        names = numbered([call.tool_call_id for call in own])
        used = [await self._use(call, name, caller) for call, name in zip(own, names, strict=True)]
        results = [result for result in used if result is not None]
        if len(results) < len(own):
            raise PutAside(self._toolset.waits_for)  # a person decides first
        if outside:
            asked = [(call.tool_call_id, call.tool_name, call.args_as_json_str()) for call in outside]
            given = await self._calls.results(self._model.requests, asked)
            results += [_returned(call, result) for call, result in zip(outside, given, strict=True)]
        self._mistakes = self._mistakes + 1 if any(result.outcome == "retried" for result in results) else 0
        if self._mistakes > MISTAKES:
            raise failed(Ending.MODEL_FAILED, "The model called tools wrongly again and again. Ask otherwise.")
        return results

    async def _use(self, call: ToolCallPart, name: str, caller: Caller) -> ToolReturnPart | None:
        """The result of one call; None where a person has to decide first."""
        key = f"{self._model.requests}:{name}"
        outcome = await self._toolset.call(key, call.tool_name, _arguments(call), caller)
        return None if outcome is None else _returned(call, outcome.content, outcome.kind)


def _check_whole(response: ModelResponse, settings: ModelSettings) -> None:
    """Raise TurnEnded where an answer ended before it said or called anything that can be used."""
    if response.tool_calls:
        is_usable = None not in map(_arguments, response.tool_calls)
    else:
        is_usable = bool((response.text or "").strip())
    if response.finish_reason == "length" and not is_usable:
        what = f"The model's answer was cut off at {settings.get('max_tokens')} tokens, before it came to anything. "
        raise failed(Ending.MODEL_FAILED, f"{what}Allow it more in the agent's settings, or ask for something smaller.")
    if response.finish_reason == "content_filter" and not is_usable:
        raise failed(Ending.MODEL_FAILED, "The model's provider kept its answer back by a filter. Ask otherwise.")


def said(prompt: str, instructions: str) -> list[ModelMessage]:
    """A request for one answer."""
    return [ModelRequest(parts=[UserPromptPart(prompt)], instructions=instructions)]


def told(context: Context) -> list[ModelMessage]:
    """The context as messages of a dialogue: the agent's own words, and between them what others said.

    The last one is a request, and ends with what was asked.
    """
    messages: list[ModelMessage] = []
    others: list[str] = []
    if context.summary is not None:
        others.append(noted(context.summary))
    if context.remembered is not None:
        others.append(f"(You remember of the person you talk with, as `recall` gives it: {context.remembered})")
    if context.omitted:
        others.append("(Older messages are left out.)")
    for line in context.lines:
        if line.author_id != context.agent_id:
            others.append(shown(line))
            continue
        # A dialogue begins with somebody else's words, for models that insist on it.
        if others or not messages:
            messages.append(ModelRequest(parts=[UserPromptPart("\n\n".join(others) or "(The conversation begins.)")]))
            others = []
        if isinstance(messages[-1], ModelResponse):  # models insist on turns
            messages[-1] = ModelResponse(parts=[TextPart(f"{messages[-1].text}\n\n{line.content}")])
        else:
            messages.append(ModelResponse(parts=[TextPart(line.content)]))
    if context.passages:
        others.append(cited(context.passages))
    if context.aside is not None:
        others.append(context.aside)
    others.append(asked(context))
    messages.append(ModelRequest(parts=[UserPromptPart("\n\n".join(others))]))
    return messages


def asked(context: Context) -> str:
    """What the agent is to do now."""
    sentences = []
    if context.message_seq is not None:
        sentence = ASKED.get(context.cause, "You are asked to take a turn, about #{seq}.")
        sentences.append(sentence.format(seq=context.message_seq))
    elif context.prompt is None:
        sentences.append("You are asked to take a turn.")
    if context.cause in ASKED_BY_NAME and _waited(context) > 1:
        sentences.append("Answer whatever else was asked of you since your last message as well: this turn is for all.")
    if context.thread is not None:
        sentences.append(f"Your answer will stand in the thread of #{context.thread}.")
    said = [f"({' '.join(sentences)})"] if sentences else []
    return "\n".join([*said, *([context.prompt] if context.prompt else [])])


def _waited(context: Context) -> int:
    """How many of the messages that it is shown came after its own last one."""
    own = max((line.seq for line in context.lines if line.author_id == context.agent_id), default=0)
    return sum(line.seq > own for line in context.lines)


def _arguments(call: ToolCallPart) -> dict[str, Any] | None:
    """What a tool is called with; None where that is no object, or holds a number that JSON has not."""
    try:
        arguments = call.args_as_dict(raise_if_invalid=True)
        json.dumps(arguments, allow_nan=False)
    except (ValueError, AssertionError):
        return None
    return arguments


def _returned(call: ToolCallPart, content: Any, outcome: Ended = "success") -> ToolReturnPart:
    return ToolReturnPart(call.tool_name, content, call.tool_call_id, outcome=outcome)


def _tool(tool: Tool) -> ToolDefinition:
    return ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.schema)


def _callers_tool(tool: CallersTool) -> ToolDefinition:
    schema: dict[str, Any] = tool.parameters or {"type": "object", "properties": {}}
    return ToolDefinition(
        name=tool.name, description=tool.description, parameters_json_schema=schema, strict=tool.strict
    )
