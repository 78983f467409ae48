"""Thinking: a resident agent's turn through pydantic-ai, from its context to the text of its answer.

Imports pydantic-ai (some 50 MB): import this module within the first turn, off the loop.
"""

from typing import Any

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults
from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior, UsageLimitExceeded, UserError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets.external import ExternalToolset
from pydantic_ai.usage import UsageLimits

from crewhall.kernel.tracing import NO_SPANS, NoSpans
from crewhall.runtime.breaker import Breakers
from crewhall.runtime.compaction import Older, noted
from crewhall.runtime.completions import CallersTool, Completion
from crewhall.runtime.context import Context, Persona, shown
from crewhall.runtime.endings import Ending, PutAside, failed
from crewhall.runtime.endpoints import Endpoint
from crewhall.runtime.journal import Journal
from crewhall.runtime.journaled import JournaledModel, explained
from crewhall.runtime.knowing import cited
from crewhall.runtime.models import Models
from crewhall.runtime.outside import OutsideCalls
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tokens import Unheard, Words
from crewhall.runtime.tools import Caller, Tool
from crewhall.runtime.toolset import JournaledToolset
from crewhall.runtime.vocabulary import Cause, StepKind

ASKED = {
    Cause.MENTION: "You were mentioned in #{seq}.",
    Cause.REPLY: "#{seq} replies to you.",
    Cause.DIRECT: "#{seq} was written to you.",
    Cause.API: "#{seq} was written to you, through a program.",
    Cause.AUTO: "#{seq} was said here. Answer it if you have something to add.",
}

ASKED_BY_NAME = frozenset({Cause.MENTION, Cause.REPLY, Cause.DIRECT})


class Thinker:
    """What thinking needs of its process."""

    def __init__(self, settings: TurnSettings, endpoints: dict[str, Endpoint], spans: NoSpans = NO_SPANS) -> None:
        self._settings = settings
        self._spans = spans
        self._models = Models(settings, endpoints)
        self._breakers = Breakers()

    async def close(self) -> None:
        """Close the connections to models."""
        await self._models.close()

    async def think(
        self,
        journal: Journal,
        persona: Persona,
        context: Context,
        tokens: Words,
        caller: Caller,
        tools: list[Tool],
        completion: Completion | None = None,
    ) -> str:
        """Think until there is an answer, and give its text.

        Raises TurnEnded when there will be none, PutAside when somebody has to do their part first: a person who
        decides about a call, or the caller with its own tools.
        """
        config: dict[str, Any] = persona.model_config
        asked_for = completion or Completion()
        provider = str(config.get("provider"))
        wrapped = await self._models.model(config, context)
        model = JournaledModel(
            wrapped,
            journal=journal,
            tokens=tokens,
            breaker=self._breakers.of(provider),
            provider=provider,
            settings=self._settings,
            is_overheard=not context.place.is_between_two,
            spans=self._spans,
        )
        most_bytes = self._settings.turn_result_kb * 1024
        hours = self._settings.approval_hours
        toolset = JournaledToolset(journal, tools, most_bytes, approval_hours=hours, spans=self._spans)
        outside = ExternalToolset[Caller]([_defined(tool) for tool in asked_for.tools])
        agent: Agent[Caller, str | DeferredToolRequests] = Agent(
            model,
            instructions=context.instructions,
            deps_type=Caller,
            output_type=[str, DeferredToolRequests],
            toolsets=[*([toolset] if tools else []), *([outside] if asked_for.tools else [])],
            retries=2,
        )
        names = [tool.name for tool in asked_for.tools]
        wait_s = self._settings.outside_wait_s
        calls = OutsideCalls(caller.db, journal, names, wait_s=wait_s, most_bytes=most_bytes)
        try:
            wanted = asked_for.over(config, self._settings.model_answer_tokens)
            return await self._answer(agent, context, caller, wanted, toolset, calls)
        except UsageLimitExceeded:
            raise failed(
                Ending.TOO_MANY_REQUESTS,
                f"I asked my model {self._settings.turn_requests} times without coming to an answer, and stopped. "
                "Ask for something smaller.",
            ) from None
        except ModelAPIError as error:
            raise explained(provider, error) from error
        except (UnexpectedModelBehavior, UserError) as error:
            if _said_nothing(journal):
                return ""
            raise failed(Ending.MODEL_FAILED, f"{provider} answered with something that cannot be read.") from error

    async def sum_up(self, journal: Journal, persona: Persona, older: Older) -> None:
        """Sum up the older part of the conversation piece by piece, each kept. What cannot be summed up is left out."""
        provider, name = str(persona.model_config["provider"]), str(persona.model_config["model"])
        wrapped = await self._models.outside(provider, name)
        asked = {"max_tokens": older.most_answer, "temperature": persona.model_config.get("temperature")}
        for piece in older.pieces:
            model = JournaledModel(
                wrapped,
                journal=journal,
                tokens=Unheard(),
                breaker=self._breakers.of(provider),
                provider=provider,
                settings=self._settings,
                keys=older.keys(piece),
                spans=self._spans,
            )
            agent: Agent[None, str] = Agent(model, instructions=older.instructions(persona))
            try:
                result = await agent.run(older.told(piece), model_settings=self._models.settings(asked))
            except UnexpectedModelBehavior:  # it has nothing to say
                return
            if not await older.keep(journal, piece, result.output, f"{provider}:{name}"):
                return

    async def _answer(
        self,
        agent: Agent[Caller, str | DeferredToolRequests],
        context: Context,
        caller: Caller,
        config: dict[str, Any],
        toolset: JournaledToolset,
        calls: OutsideCalls,
    ) -> str:
        """Run the agent, and again behind each set of calls that the caller has done."""
        *history, last = told(context)
        assert isinstance(last, ModelRequest)
        prompt: str | None = "".join(str(part.content) for part in last.parts if isinstance(part, UserPromptPart))
        results: DeferredToolResults | None = None
        while True:
            result = await agent.run(
                prompt,
                message_history=history,
                deferred_tool_results=results,
                deps=caller,
                model_settings=self._models.settings(config),
                usage_limits=UsageLimits(request_limit=self._settings.turn_requests),
            )
            if not isinstance(result.output, DeferredToolRequests):
                return result.output
            own = [call for call in result.output.calls if call.tool_name in calls.tools]
            if len(own) < len(result.output.calls):
                raise PutAside(toolset.waits_for)  # a person decides first
            asked = [(call.tool_call_id, call.tool_name, call.args_as_json_str()) for call in own]
            results = DeferredToolResults(calls=dict(await calls.results(toolset.part, asked)))
            history, prompt = result.all_messages(), None
            toolset.part += 1


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


def _defined(tool: CallersTool) -> ToolDefinition:
    schema = tool.parameters or {"type": "object", "properties": {}}
    return ToolDefinition(
        name=tool.name, description=tool.description, parameters_json_schema=schema, strict=tool.strict
    )


def _said_nothing(journal: Journal) -> bool:
    """Whether the last answer held neither words nor calls: the model has nothing to say."""
    answers = [step for step in journal.steps if step.kind is StepKind.ANSWER]
    parts = answers[-1].body["response"]["parts"] if answers else [{}]
    return all(part.get("part_kind") == "thinking" or not str(part.get("content", "-")).strip() for part in parts)
