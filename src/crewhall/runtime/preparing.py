"""Preparing a turn: its context, recorded before the model is asked, and a summary of what has no room in it."""

import logging
from typing import TYPE_CHECKING

import msgspec

from crewhall.agents import find_state
from crewhall.conversations import Verb, access_conversation
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.knowledge import Knowledge, Passage
from crewhall.runtime.compaction import Older, planned_seq, sums_up
from crewhall.runtime.completions import Completion
from crewhall.runtime.context import (
    Context,
    Persona,
    Reading,
    make_context,
    room_of,
    tokens_of,
)
from crewhall.runtime.endings import Ending, TurnEnded, stopped
from crewhall.runtime.guard import acting_for, read_too
from crewhall.runtime.journal import Journal
from crewhall.runtime.knowing import GUIDE, HandbookKnowledge, built_in_of, look_up, share_of
from crewhall.runtime.local import LOCAL, SHOWN_TOKENS
from crewhall.runtime.quotes import find_closed
from crewhall.runtime.reading import read_conversation
from crewhall.runtime.runs import Run
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.summaries import list_noted_now
from crewhall.runtime.vocabulary import Cause, StepKind

if TYPE_CHECKING:
    from crewhall.runtime.thinking import Thinker

log = logging.getLogger(__name__)
RECALL = "recall"
MOST_REMEMBERED = 1000
"""Tokens; what is more is read by the tool."""


class Preparation:
    """What preparing turns needs of its process. `base_url` is this installation's address.

    The guide is given the handbook, other agents what `knowledge` finds for them.
    """

    def __init__(self, db: Database, settings: TurnSettings, base_url: str, knowledge: Knowledge) -> None:
        self._db = db
        self._settings = settings
        self._base_url = base_url
        self._knowledge = knowledge
        self._handbook = HandbookKnowledge(base_url)

    async def context(
        self,
        run: Run,
        journal: Journal,
        persona: Persona,
        agent: Actor,
        completion: Completion | None,
        thinker: "Thinker | None",
    ) -> Context:
        """The recorded context, or a new one, recorded. Raises TurnEnded where the agent may not answer any more.

        Without a thinker (the agent is asked at an address) nothing is summed up or looked up: whoever answers there
        does that for themselves.
        """
        if recorded := journal.find(StepKind.CONTEXT):
            return msgspec.convert(recorded.body, Context)
        most = _most_tokens(persona, self._settings)
        share = share_of(persona, most) if thinker else 0
        room, aside = room_of(most - share, completion.aside() if completion else None)
        keeps = thinker is not None and sums_up(persona, self._settings)
        planned = planned_seq(journal.steps)

        async def record(tx: Tx, reading: Reading, passages: list[Passage]) -> Context:
            remembered = await _remembered(tx, run, persona, reading)
            left = room - (tokens_of(remembered) if remembered else 0)
            context = make_context(
                run,
                persona,
                reading,
                room=left,
                base_url=self._base_url,
                aside=aside,
                passages=passages,
                remembered=remembered,
            )
            await _act_for_whom_it_read(tx, run, context)
            body = msgspec.to_builtins(context) | ({"persons": [str(run.author_id)]} if remembered else {})
            body |= await _closed(tx, run, passages)
            await journal.write_in(tx, StepKind.CONTEXT, body, seen_seq=context.seen_seq)
            return context

        async with self._db.transaction(system_actor(run.org_id), lazily=True) as tx:
            await _check_access(tx, agent, run)
            reading = await read_conversation(tx, run, sums_up=keeps, room=room, up_to_seq=planned)
            older = Older.of(reading, room, self._settings) if keeps else None
            if older is None and planned is None and not share:
                return await record(tx, reading, [])
        if older is not None and thinker is not None:
            await _sum_up(thinker, journal, persona, older)
        passages = await self._look_up(run, persona, agent, reading, share) if share else []
        async with self._db.transaction(system_actor(run.org_id), lazily=True) as tx:
            await _check_access(tx, agent, run)
            return await record(tx, await read_conversation(tx, run, sums_up=keeps, room=room), passages)

    async def alone(self, run: Run, journal: Journal, persona: Persona, reading: Reading) -> Context:
        """The context of a prompt that stands alone, with what was looked up for it; recorded."""
        most = _most_tokens(persona, self._settings)
        share = share_of(persona, most)
        agent = Actor(type=ActorType.AGENT, id=persona.id, org_id=run.org_id, name=persona.name)
        passages = await self._look_up(run, persona, agent, reading, share) if share else []
        context = make_context(run, persona, reading, room=most - share, base_url=self._base_url, passages=passages)
        async with journal.transaction() as tx:
            body = msgspec.to_builtins(context) | await _closed(tx, run, passages)
            await journal.write_in(tx, StepKind.CONTEXT, body)
        return context

    async def _look_up(
        self, run: Run, persona: Persona, agent: Actor, reading: Reading, most_tokens: int
    ) -> list[Passage]:
        """What helps with what was asked, of what the agent and everybody for whom it acts may read."""
        if built_in_of(persona) == GUIDE:
            return await look_up(self._handbook, agent, run, reading, most_tokens)
        try:
            async with self._db.transaction(system_actor(run.org_id)) as tx:
                asker = await acting_for(tx, agent, run.behalf_of)
        except CrewhallError as error:
            log.info("nothing was looked up", extra={"run": str(run.id), "reason": error.detail})
            return []
        return await look_up(self._knowledge, asker, run, reading, most_tokens)


async def _closed(tx: Tx, run: Run, passages: list[Passage]) -> dict[str, list[str]]:
    """The documents of passages that not everybody may read who reads the conversation, as a step names them."""
    found = {one.document_id for one in passages if one.document_id is not None}
    closed = await find_closed(tx, run.conversation_id, found)
    return {"documents": [str(one) for one in closed]} if closed else {}


async def _sum_up(thinker: "Thinker", journal: Journal, persona: Persona, older: Older) -> None:
    """Sum up what is older; where that fails the turn goes on without."""
    try:
        await thinker.sum_up(journal, persona, older)
    except TurnEnded as ended:
        log.info("a conversation was not summed up", extra={"run": str(journal.run.id), "reason": ended.detail})


async def _remembered(tx: Tx, run: Run, persona: Persona, reading: Reading) -> str | None:
    """What the agent keeps of the person, where the two are among themselves and it has the tool for it.

    Elsewhere others would read along what was told to it in confidence: there it asks by its tool, which seals.
    """
    if not reading.place.is_between_two or RECALL not in persona.tools or run.behalf_of != [run.author_id]:
        return None
    found = await find_state(tx, run.agent_id, run.author_id)
    if found is None or not found.state:
        return None
    text = msgspec.json.encode({"version": found.version, "state": found.state}).decode()
    return text if tokens_of(text) <= MOST_REMEMBERED else None


async def _act_for_whom_it_read(tx: Tx, run: Run, context: Context) -> None:
    """Let the run act for whoever said what it answers by reading it, word by word or in the summary (guard.py)."""
    if run.prompt is not None or run.cause is Cause.API:  # a task covers nothing else
        return
    known = {run.agent_id, *run.behalf_of}
    others = [line.id for line in context.lines if line.author_id not in known]
    if context.summary is not None:
        others += await list_noted_now(tx, run.conversation_id, run.agent_id, context.summary)
    if others:
        run.behalf_of = await read_too(tx, run, others)


def _most_tokens(persona: Persona, settings: TurnSettings) -> int:
    """How many tokens an agent is shown: what the installation allows, less where its `context_tokens` say so."""
    config = persona.model_config
    own = config.get("context_tokens")
    if own is None and config.get("provider") == LOCAL:
        own = SHOWN_TOKENS
    return min(settings.turn_context_tokens, own) if isinstance(own, int) else settings.turn_context_tokens


async def _check_access(tx: Tx, agent: Actor, run: Run) -> None:
    """Raise TurnEnded where the agent may not answer in the conversation any more."""
    try:
        await access_conversation(tx, agent, run.conversation_id, Verb.POST)
    except CrewhallError as error:
        raise stopped(Ending.REFUSED, None) from error
