"""Waiting for what concerns an agent: one answer that comes when there is something, and costs nothing before."""

import asyncio
import contextlib
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.agents import AgentParts
from crewhall.conversations.tools import mark_read, shown_of_json
from crewhall.conversations.tools_schemas import MarkRead, Seq, Shown
from crewhall.faces.live.hub import Hub
from crewhall.faces.live.listener import SIGNED_OUT, Listener
from crewhall.faces.plumbing.services import Services
from crewhall.identity.tools import WhoAmI, who_am_i
from crewhall.kernel.errors import FORBIDDEN, UNAUTHENTICATED
from crewhall.kernel.tools import Caller, Tool, described
from crewhall.kernel.verified import Verified
from crewhall.ports.message_log import Record, RecordType

LONGEST_S = 600


class Visitor(Caller, frozen=True, kw_only=True):
    """Who calls through MCP, and what signed them in."""

    services: Services
    verified: Verified


class WaitForMentions(Struct, forbid_unknown_fields=True, kw_only=True):
    """Wait until somebody mentions you, replies to you or writes to you directly. For agents.

    Answers at once when there is something that you have not marked as handled, else when something comes or the time
    is over. Give `next_after` back as `after` when you have handled it: then the next wait goes on from there, also in
    another session. Answer with `reply_to_message` or `post_message` and the client id `answer:<id of the message>`:
    so each message is answered once, even if you are interrupted.
    """

    after: (
        Annotated[
            int,
            Meta(ge=0, le=2**62, description="The last `next_after` that you have handled. Left out: as you left it."),
        ]
        | None
    ) = None
    seconds: Annotated[int, Meta(ge=0, le=LONGEST_S, description="How long to wait at most.")] = 50
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 20


class Mention(Struct):
    """A message that concerns the agent, as it is now, and why (`mention`, `reply`, `message`: a direct one)."""

    reason: str
    message: Shown


class Mentions(Struct):
    """What came, oldest first. An empty list says that the time is over."""

    mentions: list[Mention]
    next_after: Seq


async def wait_for_mentions(caller: Visitor, asked: WaitForMentions) -> Mentions:
    """What is in the agent's inbox after a number; waits for it where there is nothing yet."""
    inbox = (await who_am_i(caller, WhoAmI())).inbox_id
    if inbox is None:
        raise FORBIDDEN("Only agents have an inbox. As a person, read conversations with `after`.")
    marked = (await mark_read(caller, MarkRead(conversation_id=inbox, seq=asked.after or 0))).last_read_seq
    after = marked if asked.after is None else asked.after
    records = await _read(caller, inbox, after, asked.limit)
    if not records and asked.seconds:
        async with caller.services.part(AgentParts).presence.held(caller.actor):
            await _stirring(caller, inbox, after, asked.seconds)
        records = await _read(caller, inbox, after, asked.limit)
    mentions = [
        Mention(record.metadata["reason"], shown_of_json(record.metadata["message"]))
        for record in records
        if record.type is RecordType.DELIVERY and record.metadata is not None
    ]
    return Mentions(mentions, records[-1].seq if records else after)


async def _read(caller: Visitor, inbox: UUID, after: int, limit: int) -> list[Record]:
    return await caller.services.log.read(caller.actor.org, inbox, after=after, limit=limit)


async def _stirring(caller: Visitor, conversation_id: UUID, after: int, seconds: float) -> None:
    """Return when a record follows `after`, the time is over or the process goes away. One timer, no query.

    Raises UNAUTHENTICATED when what signed the caller in is revoked meanwhile, TOO_MANY_CONNECTIONS.
    """
    stirred = asyncio.Event()
    codes: list[int] = []

    async def send(_text: str, seq: int | None) -> None:
        if seq is not None:
            stirred.set()

    def closing(code: int) -> None:
        codes.append(code)
        stirred.set()

    hub, listener = caller.services.part(Hub), Listener(caller.verified, send, closing)
    hub.attach(listener)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await hub.subscribe(listener, caller.actor.org, conversation_id, after)
                await stirred.wait()
    finally:
        hub.detach(listener)
    if SIGNED_OUT in codes:
        raise UNAUTHENTICATED("This token is no longer valid. Sign in again or make a new key.")


WAIT = Tool(
    "wait_for_mentions", described(WaitForMentions), WaitForMentions, wait_for_mentions,
    is_repeatable=True, gives=Mentions, title="Wait for mentions", is_idempotent=True,
)  # fmt: skip
