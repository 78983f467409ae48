"""What a turn says in its conversation: its answer, and what Crewhall tells of it; a second time the same message."""

import logging
from uuid import UUID

import msgspec

from crewhall.conversations import MAX_CONTENT_LENGTH, Cited, Posting, PostMessage
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.errors import INVALID, TOO_MANY_REQUESTS, UNAVAILABLE, CrewhallError
from crewhall.knowledge import LENT, note_citations
from crewhall.ports.message_log import CLIENT_ID_REUSED
from crewhall.runtime.citing import Answer, as_metadata, links_of
from crewhall.runtime.runs import Run
from crewhall.runtime.storable import mended

log = logging.getLogger(__name__)
PASSING = {UNAVAILABLE.status, TOO_MANY_REQUESTS.status}
"""Refusals of a post that are over in a moment: the turn is taken again, from its journal."""
CUT = "\n\n… (the answer was longer than a message may be)"


class Voice:
    """Speaks for turns."""

    def __init__(self, db: Database, posting: Posting, base_url: str) -> None:
        self._db = db
        self._base_url = base_url
        self._posting = posting

    async def answer(self, agent: Actor, run: Run, answer: Answer) -> tuple[UUID, int]:
        """Post the turn's answer, cut where it is too long; gives the message's id and seq. Raises as a post does."""
        text = answer.text
        if len(text) > MAX_CONTENT_LENGTH:
            text = text[: MAX_CONTENT_LENGTH - len(CUT)] + CUT
        cited = None
        if answer.sources:
            await self._note_lent(agent, run, answer)
            cited = Cited(as_metadata(answer.sources), links_of(answer.sources, self._base_url))
        return await self._say(agent, run, f"run:{run.id}", mended(text), cited)

    async def _note_lent(self, agent: Actor, run: Run, answer: Answer) -> None:
        """Let readers of the answer open what it cites of its lender's, before anybody can read it."""
        if any(one.url.startswith(LENT) for one in answer.sources):
            async with self._db.transaction(agent) as tx:
                await note_citations(tx, agent, run.id, run.conversation_id, (one.url for one in answer.sources))

    async def tell(self, run: Run, text: str, client_id: str | None = None) -> None:
        """Tell the conversation, once. Crewhall says it, not the agent: it is nobody's turn and wakes nobody."""
        try:
            await self._say(system_actor(run.org_id), run, client_id or f"run:{run.id}:end", text)
        except CrewhallError as error:
            if error.kind.status in PASSING:
                raise
            log.info("nobody was told how a run stands", extra={"run": str(run.id), "reason": error.detail})

    async def _say(
        self, author: Actor, run: Run, client_id: str, text: str, cited: Cited | None = None
    ) -> tuple[UUID, int]:
        """Post in the run's conversation, in its thread while that stands; gives the message's id and seq."""
        for parent_id in dict.fromkeys((run.parent_id, None)):
            data = PostMessage(content=text, parent_id=parent_id, client_id=client_id, metadata={"run_id": str(run.id)})
            try:
                posted = await self._posting.post(author, run.conversation_id, data, cited)
            except CrewhallError as error:
                if error.kind is CLIENT_ID_REUSED:
                    return await self._said(author, run, client_id)
                if error.kind is not INVALID or parent_id is None:
                    raise
            else:
                return posted.message.id, posted.message.seq
        raise AssertionError("unreachable")

    async def _said(self, author: Actor, run: Run, client_id: str) -> tuple[UUID, int]:
        """The message that an earlier attempt posted."""
        async with self._db.transaction(system_actor(run.org_id)) as tx:
            found = await tx.one(
                _Said,
                """
                select id, seq from message_records
                where conversation_id = %(conversation)s and author_id = %(author)s and client_id = %(client_id)s
                """,
                {"conversation": run.conversation_id, "author": author.id, "client_id": client_id},
            )
        return found.id, found.seq


class _Said(msgspec.Struct):
    id: UUID
    seq: int
