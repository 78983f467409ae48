"""Calls of webhooks: verified, then done once, with the rights that the webhook's maker has at that moment.

Who calls without a right to learns nothing: an unknown webhook, a paused one, a bad signature and an old timestamp are
one refusal. The message comes first, under the delivery's id; the call is noted with the trigger that follows from it.
A sender that repeats a call after a crash in between finds the message there, and completes it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.agents import access_agent
from crewhall.conversations import Posting, PostMessage, Verb, access_conversation
from crewhall.identity import find_actor
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import (
    FORBIDDEN,
    INVALID,
    NOT_FOUND,
    TOO_LARGE,
    TOO_MANY_REQUESTS,
    CrewhallError,
    ErrorKind,
    define_error,
)
from crewhall.kernel.ids import new_id
from crewhall.kernel.limits import RateLimiter, network_of, per_minute
from crewhall.ports.message_log import CONVERSATION_CLOSED
from crewhall.runtime.hook_signing import SignedCall, read_call
from crewhall.runtime.hook_words import prompt_of, words_of
from crewhall.runtime.hooks import pause
from crewhall.runtime.makers import pause_reason_of
from crewhall.runtime.schemas_hooks import HookTaken
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.triggers import add_trigger, check_prompts
from crewhall.runtime.vocabulary import CallOutcome, Cause, PauseReason

HOOK_REFUSED = define_error("hook_refused", 401, "The call is refused")
KEPT_DAYS = 90
"""How long calls are remembered: beyond, their timestamp is refused, and the message bears the delivery's id."""
MOST_WAITING = 20
"""Calls that wait for an agent in a conversation, about: it takes one turn for each."""
RETRY_AFTER_S = 60
WITHOUT_RIGHT = (NOT_FOUND, FORBIDDEN, CONVERSATION_CLOSED)
_ADMIT: LiteralString = """
select org_id, maker_id from admit_hook_call(
    %(call)s, %(hook)s, %(delivery)s, %(signed)s, %(given)s, %(is_fresh)s, %(address)s)
"""
_NOTE: LiteralString = "select note_hook_call(%(call)s, %(org)s, %(hook)s, %(delivery)s, %(outcome)s, %(address)s)"
_TAKE: LiteralString = """
insert into hook_calls (id, org_id, hook_id, delivery, outcome, message_id, address)
values (%(call)s, %(org)s, %(hook)s, %(delivery)s, 'taken', %(message)s, %(address)s)
on conflict (hook_id, delivery) where outcome = 'taken' do nothing
"""
_FORGET: LiteralString = """
delete from hook_calls where created_at < now() - make_interval(days => %(days)s) and id in (
    select id from hook_calls where org_id = %(org)s and hook_id = %(hook)s order by id limit 2)
"""
"""The oldest calls, at each that is taken: so it keeps up, however many there are."""


class Call(msgspec.Struct, frozen=True):
    """A call as it came."""

    hook_id: UUID
    headers: Mapping[str, str]
    body: bytes
    address: str | None


class _Admitted(msgspec.Struct):
    org_id: UUID
    maker_id: UUID


class _Hook(msgspec.Struct):
    name: str
    conversation_id: UUID
    agent_id: UUID | None
    prompt: str | None
    posts: bool


class _Taken(msgspec.Struct):
    message_id: UUID | None
    trigger_id: UUID | None


class HookDoor:
    """Takes calls of webhooks."""

    def __init__(self, db: Database, posting: Posting, limiter: RateLimiter, settings: TurnSettings) -> None:
        self._db = db
        self._posting = posting
        self._limiter = limiter
        self._most_bytes = settings.webhook_kb * 1024
        self._per_address = per_minute("calls of a webhook from one address", settings.rate_hook_per_minute)
        self._per_hook = per_minute("calls of a webhook", settings.rate_hook_per_minute)

    async def take(self, call: Call) -> HookTaken:
        """Do what a call asks for, once for each delivery.

        Raises HOOK_REFUSED, TOO_LARGE, TOO_MANY_REQUESTS, CLIENT_ID_REUSED (another body under the same id),
        UNAVAILABLE.
        """
        self._limiter.check(self._per_address, (call.hook_id, network_of(call.address)))
        if len(call.body) > self._most_bytes:
            limit = self._most_bytes // 1024
            raise TOO_LARGE(f"A webhook takes at most {limit} KiB in one call.", limit=self._most_bytes)
        signed = read_call(call.headers, call.body, utc_now())
        admitted = None if signed is None else await self._admit(call, signed)
        if signed is None or admitted is None:
            raise _refused()
        self._limiter.check(self._per_hook, call.hook_id)
        return await self._do(call, signed, admitted)

    async def _admit(self, call: Call, signed: SignedCall) -> _Admitted | None:
        async with self._db.transaction(None) as tx:
            return await tx.find(
                _Admitted,
                _ADMIT,
                {
                    "call": new_id(),
                    "hook": call.hook_id,
                    "delivery": signed.delivery,
                    "signed": signed.signed,
                    "given": signed.signatures,
                    "is_fresh": signed.is_fresh,
                    "address": call.address,
                },
            )

    async def _do(self, call: Call, signed: SignedCall, admitted: _Admitted) -> HookTaken:
        async with self._db.transaction(system_actor(admitted.org_id)) as tx:
            maker = await find_actor(tx, admitted.org_id, admitted.maker_id)
        if maker is None:
            await self._pause(call, signed, admitted, PauseReason.MAKER_LEFT)
            raise _refused()
        wrong = (*WITHOUT_RIGHT, INVALID)
        async with self._or_pause(call, signed, admitted, wrong), self._db.transaction(maker) as tx:
            hook = await _access(tx, maker, call.hook_id)
        async with self._or_pause(call, signed, admitted, WITHOUT_RIGHT):
            message_id = await self._post(call, signed, hook, maker) if hook.posts else None
            async with self._db.transaction(maker) as tx:
                return await _take(tx, call, signed, hook, maker, message_id)

    async def _post(self, call: Call, signed: SignedCall, hook: _Hook, maker: Actor) -> UUID:
        """Post as the webhook, under its name: Crewhall itself says it, for the maker, and it wakes nobody."""
        said = words_of(call.body)
        author = Actor(type=ActorType.SYSTEM, id=call.hook_id, org_id=maker.org_id, name=hook.name, behalf=(maker,))
        data = PostMessage(
            content=said.content,
            title=said.title,
            kind=said.kind,
            client_id=f"hook:{signed.delivery}",
            metadata={"hook_id": str(call.hook_id)},
        )
        return (await self._posting.post(author, hook.conversation_id, data)).message.id

    @asynccontextmanager
    async def _or_pause(
        self, call: Call, signed: SignedCall, admitted: _Admitted, kinds: tuple[ErrorKind, ...]
    ) -> AsyncIterator[None]:
        """Within, an error of these kinds says that the maker's rights do not reach: the webhook is paused."""
        try:
            yield
        except CrewhallError as error:
            if error.kind not in kinds:
                raise
            await self._pause(call, signed, admitted, pause_reason_of(error))
            raise _refused() from error

    async def _pause(self, call: Call, signed: SignedCall, admitted: _Admitted, reason: PauseReason) -> None:
        """Let the webhook do nothing more: what its maker may not do, it may not."""
        system = system_actor(admitted.org_id)
        async with self._db.transaction(system) as tx:
            await pause(tx, call.hook_id, reason)
            name = await tx.value("select name from hooks where id = %(id)s", {"id": call.hook_id})
            about = {"name": name, "reason": str(reason)}
            await audit.record(tx, system, "webhook.paused", "webhook", call.hook_id, about)
            await tx.run(_NOTE, _values(call, signed, admitted.org_id) | {"outcome": str(CallOutcome.REFUSED)})


async def _access(tx: Tx, maker: Actor, hook_id: UUID) -> _Hook:
    """Return what a webhook does, if its maker may do that.

    Raises NOT_FOUND, FORBIDDEN, CONVERSATION_CLOSED, INVALID (its agent takes no prompts any more), TOO_MANY_REQUESTS
    (so many calls wait for its agent).
    """
    hook = await tx.one(
        _Hook, "select name, conversation_id, agent_id, prompt, posts from hooks where id = %(id)s", {"id": hook_id}
    )
    await access_conversation(tx, maker, hook.conversation_id, Verb.POST)
    if hook.agent_id is not None:
        await check_prompts(tx, await access_agent(tx, maker, hook.agent_id))
        await _check_waiting(tx, hook)
    return hook


async def _check_waiting(tx: Tx, hook: _Hook) -> None:
    waiting = await tx.value(
        """
        select count(*) from turn_triggers
        where conversation_id = %(conversation)s and agent_id = %(agent)s and cause = 'webhook'
        """,
        {"conversation": hook.conversation_id, "agent": hook.agent_id},
    )
    if waiting >= MOST_WAITING:
        raise TOO_MANY_REQUESTS(
            f"{waiting} calls wait for the agent there. Send this one again later, under the same id.",
            retry_after=RETRY_AFTER_S,
        )


async def _take(
    tx: Tx, call: Call, signed: SignedCall, hook: _Hook, maker: Actor, message_id: UUID | None
) -> HookTaken:
    """Note the call as taken and wake the agent, in one transaction; a delivery that was taken before does nothing."""
    values = _values(call, signed, maker.org) | {"message": message_id}
    if not await tx.run(_TAKE, values):
        before = await tx.one(
            _Taken,
            """
            select message_id, trigger_id from hook_calls
            where hook_id = %(hook)s and delivery = %(delivery)s and outcome = 'taken'
            """,
            values,
        )
        await tx.run(_NOTE, values | {"call": new_id(), "outcome": str(CallOutcome.REPEATED)})
        return HookTaken(message_id=before.message_id, trigger_id=before.trigger_id, is_repeated=True)
    await tx.run(_FORGET, {"org": maker.org, "hook": call.hook_id, "days": KEPT_DAYS})
    trigger_id = None
    if hook.agent_id is not None:
        trigger_id = await add_trigger(
            tx,
            maker,
            conversation_id=hook.conversation_id,
            agent_id=hook.agent_id,
            cause=Cause.WEBHOOK,
            prompt=prompt_of(hook.name, hook.prompt, call.body),
        )
        await tx.run(
            "update hook_calls set trigger_id = %(trigger)s where id = %(call)s", values | {"trigger": trigger_id}
        )
    return HookTaken(message_id=message_id, trigger_id=trigger_id, is_repeated=False)


def _values(call: Call, signed: SignedCall, org_id: UUID) -> dict[str, object]:
    return {
        "call": new_id(),
        "org": org_id,
        "hook": call.hook_id,
        "delivery": signed.delivery,
        "address": call.address,
    }


def _refused() -> CrewhallError:
    return HOOK_REFUSED("There is no such webhook here, or the call is not signed with its secret.")
