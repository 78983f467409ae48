"""A turn that a caller waits for: from its request to the answer, as events, token by token where they come."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from crewhall.agents import AgentDetail
from crewhall.conversations import Posting, PostMessage, Verb, access_conversation, mark_read, open_session
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.listener import SIGNED_OUT, Listener
from crewhall.faces.openai.callers import Caller
from crewhall.faces.openai.errors import NO_ANSWER, TURN_FAILED, TURN_REFUSED
from crewhall.faces.openai.requests import CONVERSATION, Asked
from crewhall.faces.openai.words import Words
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, UNAUTHENTICATED
from crewhall.kernel.ids import new_id
from crewhall.runtime import (
    COMPLETION_PREFIX,
    Cause,
    Decided,
    Ending,
    Outcome,
    OutsideCall,
    RunStatus,
    RuntimeParts,
    Standing,
    TurnSettings,
    access_run,
    add_trigger,
    answer_calls,
    describe,
    explain,
    find_called_run,
    find_decision,
    find_reply,
    get_standing,
    insert_completion,
    list_open_calls,
    withdraw,
    withdraw_put_aside,
    withdraw_run,
)

LOOK_EVERY_S = 15.0
"""How long a turn may be silent before it is looked at, and its caller told that it is still waited for."""
MOST_TITLE = 60


class Spoken(Struct):
    """Words came."""

    text: str


class Waited(Struct):
    """Nothing came for a while."""


class Finished(Struct, kw_only=True):
    """The answer: words, or calls that the caller is to do. `reason` is OpenAI's."""

    text: str
    reason: str
    calls: list[OutsideCall]
    input_tokens: int
    output_tokens: int
    message_id: UUID | None


Event = Spoken | Waited | Finished


class Turn:
    """One request's turn. `run_id` is known from the first event on."""

    def __init__(self, services: Services, caller: Caller, agent: AgentDetail, asked: Asked) -> None:
        self.id = new_id()
        self.conversation_id: UUID | None = asked.conversation_id
        self.run_id: UUID | None = None
        self._services = services
        self._actor = caller.actor
        self._agent = agent
        self._asked = asked
        self.has_asked = False
        """Whether anything has been posted, or brought: asked again, it would be there twice."""
        self._message: tuple[UUID, int] | None = None
        self._spent = (0, 0)
        self._frames: deque[dict[str, Any]] = deque()
        self._looks = True
        self._woken = asyncio.Event()
        self._is_direct = False
        self._is_signed_out = False
        self._listener = Listener(caller.verified, self._hear, self._close)
        self._words = Words()
        self._deadline = asyncio.get_running_loop().time() + services.settings_of(TurnSettings).openai_time_s

    async def events(self) -> AsyncGenerator[Event]:
        """Ask, and give what comes, to the end. Whoever goes away before it takes back what was asked."""
        hub, finished = self._services.part(Hub), False
        hub.attach(self._listener)
        try:
            conversation_id = await self._place()
            with self._services.part(RuntimeParts).watch.on(conversation_id, self._stir):
                await hub.subscribe(self._listener, self._actor.org, conversation_id, None)
                await self._ask(conversation_id)
                async for event in self._follow(conversation_id):
                    finished = isinstance(event, Finished)
                    yield event
        finally:
            hub.detach(self._listener)
            if not finished and self.has_asked:
                await self._take_back()

    # -- asking

    async def _place(self) -> UUID:
        """Find, or open, the conversation in which the turn is taken."""
        asked = self._asked
        async with self._services.db.transaction(self._actor) as tx:
            if asked.news.results:
                self.run_id = await find_called_run(tx, self._actor, list(asked.news.results))
                run = await access_run(tx, self._actor, self.run_id, Verb.POST)
                if asked.conversation_id not in {None, run.conversation_id} or run.agent_id != self._agent.id:
                    raise INVALID("These tool calls belong to another conversation or model.", field=CONVERSATION)
                self._spent = (run.input_tokens, run.output_tokens)
                self.conversation_id = run.conversation_id
            elif asked.conversation_id is not None:
                await withdraw_put_aside(tx, self._actor, asked.conversation_id, self._agent.id)
            else:
                title = " ".join(asked.news.words[0].split())[:MOST_TITLE]
                self.conversation_id = await open_session(tx, self._actor, self._services.log, self._agent.id, title)
            assert self.conversation_id is not None
            access = await access_conversation(tx, self._actor, self.conversation_id, Verb.POST)
            self._is_direct = access.direct_agent_id == self._agent.id
            if not asked.news.results:
                await insert_completion(
                    tx, self._actor, self.id, self.conversation_id, self._agent.id, asked.completion
                )
        return self.conversation_id

    async def _ask(self, conversation_id: UUID) -> None:
        """Bring what is new: results to the run that waits for them, or words, and the wish for a turn about them."""
        if self._asked.news.results:
            async with self._services.db.transaction(self._actor) as tx:
                await answer_calls(tx, self._actor, self._asked.news.results)
            self.has_asked = True
            return
        self.has_asked = True
        posting = self._services.part(Posting)
        *before, last = self._asked.news.words
        for at, text in enumerate(before):
            data = PostMessage(content=text, client_id=f"{COMPLETION_PREFIX}{self.id}:{at}")
            await posting.post(self._actor, conversation_id, data)
        posted = await posting.post(
            self._actor, conversation_id, PostMessage(content=last, client_id=f"{COMPLETION_PREFIX}{self.id}")
        )
        self._message = (posted.message.id, posted.message.seq)
        async with self._services.db.transaction(self._actor) as tx:
            await add_trigger(
                tx,
                self._actor,
                conversation_id=conversation_id,
                agent_id=self._agent.id,
                cause=Cause.API,
                message_id=posted.message.id,
            )

    async def _take_back(self) -> None:
        """Nobody waits for it any more: what was asked is not decided, or its run is cancelled."""
        async with self._services.db.transaction(self._actor) as tx:
            if self._asked.news.results and self.run_id is not None:
                await withdraw_run(tx, self._actor, self.run_id)
            elif self._message is not None and self.conversation_id is not None:
                await withdraw(tx, self._actor, self.conversation_id, self._agent.id, self._message[0])

    # -- following

    async def _follow(self, conversation_id: UUID) -> AsyncIterator[Event]:
        loop = asyncio.get_running_loop()
        while True:
            finished = None
            if self._looks:
                self._looks = False
                finished = await self._look(conversation_id)
            for text in self._heard():
                yield Spoken(text)
            if finished is not None:
                if rest := self._words.end(finished.text):
                    yield Spoken(rest)
                yield finished
                return
            self._woken.clear()
            if self._looks or (self._frames and self.run_id):
                continue
            left = self._deadline - loop.time()
            if left <= 0:
                raise self._late()
            try:
                async with asyncio.timeout(min(left, LOOK_EVERY_S)):
                    await self._woken.wait()
            except TimeoutError:
                self._looks = True
                yield Waited()

    def _heard(self) -> list[str]:
        """The words of this run's frames that have come; those of others are passed over."""
        if self._is_signed_out:
            raise UNAUTHENTICATED("This token is no longer valid. Make a new one.")
        if self.run_id is None:
            return []
        said = [self._words.take(frame) for frame in self._frames if frame.get("run") == str(self.run_id)]
        self._frames.clear()
        return [text for text in said if text]

    async def _look(self, conversation_id: UUID) -> Finished | None:
        """Read how it stands; the answer once there is one. Raises what refused or ended the turn."""
        async with self._services.db.transaction(self._actor) as tx:
            if self.run_id is None:
                assert self._message is not None
                decided = await find_decision(tx, self._actor, conversation_id, self._agent.id, self._message[0])
                self.run_id = self._begun(decided)
            if self.run_id is None:
                return None
            standing = await get_standing(tx, self.run_id)
            if standing.status is RunStatus.WAITING:
                calls = await list_open_calls(tx, self.run_id)
                return self._finished(standing, standing.text, "tool_calls", calls) if calls else None
            if standing.is_open:
                return None
            if standing.reason == Ending.DELIVERED:
                return await self._replied(tx, conversation_id, standing)
            await self._mark_read(tx, conversation_id, standing.answer_seq)
        if standing.reason == Ending.SILENT:
            return self._finished(standing, "", "stop")
        if standing.status is not RunStatus.SUCCEEDED:
            sentence = describe(self._agent.name, standing.status, standing.reason, standing.detail)
            raise TURN_FAILED(sentence, reason=standing.reason, run_id=standing.id)
        return self._finished(standing, standing.answer or "", "length" if standing.was_cut else "stop")

    def _begun(self, decided: Decided | None) -> UUID | None:
        """The run that was decided; None while that is open. Raises TURN_REFUSED when there will be none in time."""
        if decided is None or decided.outcome is Outcome.SPEAK:
            return decided.run_id if decided else None
        until = decided.until
        left = self._deadline - asyncio.get_running_loop().time()
        if decided.outcome is Outcome.WAIT and (until is None or (until - utc_now()).total_seconds() < left):
            return None
        sentence = explain(self._agent.name, Cause.API, decided.outcome, decided.reason)
        raise TURN_REFUSED(sentence, reason=str(decided.reason), until=until)

    async def _replied(self, tx: Tx, conversation_id: UUID, standing: Standing) -> Finished | None:
        """What an agent that thinks elsewhere answered, once it has."""
        assert self._message is not None
        reply = await find_reply(tx, conversation_id, self._agent.id, *self._message)
        if reply is None:
            return None
        await self._mark_read(tx, conversation_id, reply.seq)
        finished = self._finished(standing, reply.content, "stop")
        return msgspec.structs.replace(finished, message_id=reply.id)

    async def _mark_read(self, tx: Tx, conversation_id: UUID, seq: int | None) -> None:
        """What the caller is given counts as read, where nobody else is heard."""
        if self._is_direct and seq is not None:
            await mark_read(tx, self._actor, conversation_id, seq)

    def _finished(self, standing: Standing, text: str, reason: str, calls: list[OutsideCall] | None = None) -> Finished:
        return Finished(
            text=text,
            reason=reason,
            calls=calls or [],
            input_tokens=standing.input_tokens - self._spent[0],
            output_tokens=standing.output_tokens - self._spent[1],
            message_id=standing.answer_id,
        )

    def _late(self) -> Exception:
        seconds = self._services.settings_of(TurnSettings).openai_time_s
        sentence = (
            f"{self._agent.name} did not answer within {seconds:g} s, and was stopped. Ask for something smaller."
        )
        if self._agent.model_config.get("provider") is None:
            sentence = (
                f"{self._agent.name} thinks elsewhere and did not answer within {seconds:g} s. What it still says "
                "stands in the conversation."
            )
        return NO_ANSWER(sentence, conversation_id=self.conversation_id)

    # -- hearing

    async def _hear(self, text: str, seq: int | None) -> None:
        """A frame of the conversation: a record may be the answer, tokens are words of it."""
        if seq is not None:
            self._stir()
            return
        frame = json.loads(text)
        if frame.get("event") == "tokens":
            self._frames.append(frame)
            self._woken.set()

    def _close(self, code: int) -> None:
        """Without its listener a turn goes on, without words on their way; but not for who was signed out."""
        self._is_signed_out = code == SIGNED_OUT
        self._stir()

    def _stir(self) -> None:
        self._looks = True
        self._woken.set()
