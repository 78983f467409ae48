"""Thinking: a resident agent's turn through pydantic-ai, from its context to the text of its answer.

Imports pydantic-ai (some 50 MB): import this module within the first turn, off the loop.
"""

from typing import Any

from pydantic_ai.exceptions import ModelAPIError, UnexpectedModelBehavior, UserError
from pydantic_ai.models import ModelRequestParameters

from crewhall.kernel.tracing import NO_SPANS, NoSpans
from crewhall.runtime.breaker import Breakers
from crewhall.runtime.compaction import Older
from crewhall.runtime.completions import Completion
from crewhall.runtime.context import Context, Persona
from crewhall.runtime.dialogue import Dialogue, said
from crewhall.runtime.endings import Ending, failed
from crewhall.runtime.endpoints import Endpoint
from crewhall.runtime.journal import Journal
from crewhall.runtime.journaled import JournaledModel, explained
from crewhall.runtime.models import Models
from crewhall.runtime.outside import OutsideCalls
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tokens import Unheard, Words
from crewhall.runtime.tools import Caller, Tool
from crewhall.runtime.toolset import JournaledToolset


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
        names = [tool.name for tool in asked_for.tools]
        wait_s = self._settings.outside_wait_s
        calls = OutsideCalls(caller.db, journal, names, wait_s=wait_s, most_bytes=most_bytes)
        dialogue = Dialogue(
            model, context, toolset, calls,
            callers_tools=asked_for.tools, most_requests=self._settings.turn_requests,
        )  # fmt: skip
        wanted = asked_for.over(config, self._settings.model_answer_tokens)
        try:
            return await dialogue.answer(self._models.settings(wanted), caller)
        except ModelAPIError as error:
            raise explained(provider, error) from error
        except (UnexpectedModelBehavior, UserError) as error:
            raise failed(Ending.MODEL_FAILED, f"{provider} answered with something that cannot be read.") from error

    async def sum_up(self, journal: Journal, persona: Persona, older: Older) -> None:
        """Sum up the older part of the conversation piece by piece, each kept. What cannot be summed up is left out."""
        provider, name = str(persona.model_config["provider"]), str(persona.model_config["model"])
        wrapped = await self._models.outside(provider, name)
        asked = {
            "provider": provider,
            "max_tokens": older.most_answer,
            "temperature": persona.model_config.get("temperature"),
        }
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
            told = said(older.told(piece), older.instructions(persona))
            try:
                response = await model.request(told, self._models.settings(asked), ModelRequestParameters())
            except (UnexpectedModelBehavior, UserError, ModelAPIError):
                return
            if not response.text:  # it has nothing to say
                return
            if not await older.keep(journal, piece, response.text, f"{provider}:{name}"):
                return
