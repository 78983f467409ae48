"""Search over everything within reach, by words and by meaning together: files, sources, the wiki, messages, tasks."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Collection, Coroutine, Sequence
from enum import StrEnum
from typing import LiteralString, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from crewhall.conversations import (
    Filters,
    Query,
    Traits,
    both,
    check_places,
    find_ranked,
    read_query,
    typed_filters,
)
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.knowledge.chunk_rankings import WIDE, Chunk, matching_chunks, near_chunks
from crewhall.knowledge.found import score_found, show_found
from crewhall.knowledge.fusion import fuse
from crewhall.knowledge.lent import find_loan
from crewhall.knowledge.lent_search import search_lent
from crewhall.knowledge.message_meaning import NearMessage, find_near_messages, rank_messages
from crewhall.knowledge.schemas_search import (
    DEFAULT_FOUND,
    MAX_QUESTION_LENGTH,
    MOST_FOUND,
    Finding,
    FindingKind,
    Findings,
    Searched,
)
from crewhall.knowledge.task_findings import find_tasks_by_words, rank_tasks, show_found_tasks, take_kinds
from crewhall.knowledge.task_meaning import find_near_tasks
from crewhall.knowledge.vectors import literal
from crewhall.ports.embedder import Embedder
from crewhall.ports.reranker import Reranker

log = logging.getLogger(__name__)
_T = TypeVar("_T")
RERANKED = 30
LONGEST_WAIT_S = 3.0
"""How long a search waits for what a question means; then it goes by words alone."""

_MODELS: LiteralString = "select searched_model() as documents, searched_message_model() as messages"


class Ranking(StrEnum):
    """What chunks are ranked by."""

    WORDS = "words"
    MEANING = "meaning"


class _Models(msgspec.Struct):
    documents: str | None
    messages: str | None


class KnowledgeSearch:
    """Searches. One for each process; the first embedder is asked, unless an organization's vectors are of another."""

    def __init__(
        self,
        db: Database,
        embedders: Sequence[Embedder],
        reranker: Reranker | None = None,
        *,
        messages_by_meaning: bool = True,
    ) -> None:
        self.compares_messages = messages_by_meaning
        self._db = db
        self._embedders = {one.model.name: one for one in embedders}
        self._first = embedders[0]
        self._reranker = reranker

    async def search(
        self,
        actor: Actor,
        q: str,
        searched: Searched | None = None,
        *,
        zone: ZoneInfo | None = None,
        limit: int = DEFAULT_FOUND,
        offset: int = 0,
    ) -> Findings:
        """Find what fits a question best, in any words, within the actor's reach.

        `q` takes the operators of message search; those that only messages know (`from:`, `kind:`, `has:`) leave
        nothing but messages. Ranks know no cursor: an offset goes on, within the first MOST_FOUND. Raises INVALID, and
        NOT_FOUND for a conversation that the actor may not read.
        """
        query, wanted = take_kinds(read_query(_checked(q)), searched or Searched())
        if not query.words:
            raise INVALID(
                "Say what you look for, too. What has been written, by whom and where, is at /search.", field="q"
            )
        if not 1 <= limit <= MOST_FOUND or not 0 <= offset <= MOST_FOUND - limit:
            raise INVALID(f"limit is at least 1, and offset and limit together at most {MOST_FOUND}.", field="limit")
        async with _meanwhile(self._mean(query.words if self._compares(wanted) else ""), "meaning") as asked:
            async with self._db.transaction(actor) as tx:
                wanted, filters = await _narrowed(tx, actor, query, wanted, zone)
                models = await tx.one(_Models, _MODELS)
                loan = await find_loan(tx, actor) if wanted.wants_documents else None
            async with _meanwhile(self._near(actor, query.words, wanted, filters, models, asked), "nearest") as nearest:
                async with self._db.transaction(actor) as tx:
                    matching, messages, are_whole = await _by_words(tx, actor, query.words, wanted, filters)
                    found_tasks = await find_tasks_by_words(tx, query.words, wanted, WIDE)
                near, alike, tasks_near = await nearest
            meaning = await asked
            lent = await search_lent(
                self._db, actor, loan, query.words, wanted, lambda model: self._by(model, meaning, query.words)
            )
        async with self._db.transaction(actor) as tx:
            await tx.keep_plans()
            distances = [one.distance or 0 for one in (*near, *lent.near)]
            ranked = rank_messages(messages, alike, sorted(distances), are_whole=are_whole)
            tasks = rank_tasks(found_tasks, tasks_near, sorted([*distances, *(one.distance for one in alike)]))
            rankings: list[Sequence[UUID | None]] = [[one.id for one in ours] for ours in (matching, near)]
            fused = dict(fuse([*rankings, *lent.rankings, *ranked, *tasks]))
            kept = list(fused)[: max(offset + limit + 1, RERANKED if self._reranker else 0)]
            chunks = {one.id: one.document_id for one in [*matching, *near]}
            others = set(lent.shown).union(*tasks)
            own = [one for one in kept if one not in others]
            shown = await show_found(tx, actor, query.words, own, chunks, wanted.conversation_id) | lent.shown
            if tasks:
                are_tasks = set().union(*tasks)
                shown |= await show_found_tasks(tx, actor, query.words, [one for one in kept if one in are_tasks])
        found = [shown[one] for one in kept if one in shown]
        score_found(found, fused, [*near, *lent.near, *alike, *tasks_near])
        found = await self._reranked(query.words, found)
        return Findings(
            found[offset : offset + limit],
            more=len(found) > offset + limit and offset + limit < MOST_FOUND,
            by_meaning=meaning is not None,
        )

    def _compares(self, wanted: Searched) -> bool:
        """Whether anything that is searched is compared by its meaning."""
        return wanted.wants_documents or wanted.wants_tasks or (self.compares_messages and wanted.wants_messages)

    async def ranked(self, actor: Actor, words: str, by: Collection[Ranking], limit: int) -> list[UUID]:
        """The ids of the chunks within the actor's reach that fit best, by words, by meaning or by both."""
        rankings: list[list[Chunk]] = []
        meaning = await self._mean(words) if Ranking.MEANING in by else None
        async with self._db.transaction(actor) as tx:
            if Ranking.WORDS in by:
                rankings.append(await matching_chunks(tx, words, Searched()))
            if meaning is not None:
                rankings.append(await near_chunks(tx, words, Searched(), meaning))
        return [one for one, _ in fuse([[chunk.id for chunk in ranking] for ranking in rankings])][:limit]

    async def _near(
        self,
        actor: Actor,
        words: str,
        wanted: Searched,
        filters: Filters,
        models: _Models,
        asked: Awaitable[dict[str, str] | None],
    ) -> tuple[list[Chunk], list[NearMessage], list[NearMessage]]:
        """The chunks, messages and tasks whose meaning is nearest, found beside the search by words."""
        meaning = await asked
        of_chunks = await self._by(models.documents, meaning, words) if wanted.wants_documents else None
        of_messages = None
        if wanted.wants_messages and self.compares_messages and models.messages is not None:
            is_same = of_chunks is not None and of_chunks["model"] == models.messages
            of_messages = of_chunks if is_same else await self._by(models.messages, meaning, words)
        of_tasks = meaning if wanted.wants_tasks else None
        if of_chunks is None and of_messages is None and of_tasks is None:
            return [], [], []
        async with self._db.transaction(actor) as tx:
            near = await near_chunks(tx, words, wanted, of_chunks)
            alike = await find_near_messages(tx, **of_messages, filters=filters, limit=WIDE) if of_messages else []
            tasks = await find_near_tasks(tx, of_tasks, wanted, WIDE) if of_tasks else []
        return near, alike, tasks

    async def _mean(self, words: str, embedder: Embedder | None = None) -> dict[str, str] | None:
        asked = embedder or self._first
        if not words:
            return None
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                vector = await asked.embed_query(words)
        except (CrewhallError, TimeoutError) as error:
            log.warning("searched by words alone", extra={"reason": str(error) or "the embedding model is slow"})
            return None
        return {"meaning": literal(vector), "model": asked.model.name}

    async def _by(self, model: str | None, meaning: dict[str, str] | None, words: str) -> dict[str, str] | None:
        """What is asked meanwhile, said by the model whose vectors are compared where that is another one."""
        if meaning is None or model is None or model not in self._embedders or model == meaning["model"]:
            return meaning
        return await self._mean(words, self._embedders[model])

    async def _reranked(self, words: str, found: list[Finding]) -> list[Finding]:
        if self._reranker is None or not found:
            return found
        try:
            scores = await self._reranker.rank(words, [f"{one.title}\n{one.text}" for one in found[:RERANKED]])
        except CrewhallError as error:
            log.warning("nothing was ranked anew", extra={"reason": error.detail})
            return found
        best = sorted(zip(scores, found, strict=False), key=lambda scored: -scored[0])
        return [one for _, one in best] + found[RERANKED:]


@contextlib.asynccontextmanager
async def _meanwhile(work: Coroutine[None, None, _T], name: str) -> AsyncIterator["asyncio.Task[_T]"]:
    """Begin something that is done meanwhile; what nobody waits for any more is given up."""
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        await end_tasks([task])
        if not task.cancelled():
            task.exception()  # somebody else's came first


async def _narrowed(
    tx: Tx, actor: Actor, query: Query, wanted: Searched, zone: ZoneInfo | None
) -> tuple[Searched, Filters]:
    """What is searched by the operators of a query as well, and what messages are narrowed by."""
    chosen = _filters(wanted)
    await check_places(tx, actor, chosen)
    typed = await typed_filters(tx, actor, query, zone)
    narrowed = both(typed, chosen)
    if typed.authors or typed.kinds or typed.holds or typed.without != Traits():
        if not wanted.wants_messages:
            raise INVALID("from:, has: and what is left out narrow messages alone: search those.", field="q")
        wanted = msgspec.structs.replace(wanted, kinds=(FindingKind.MESSAGE,))
    elif len(narrowed.places) > 1:
        raise INVALID("Search in one conversation at a time here; in several, messages: at /search.", field="q")
    place = narrowed.places[0] if len(narrowed.places) == 1 else None
    wanted = msgspec.structs.replace(wanted, conversation_id=place, since=narrowed.since, until=narrowed.until)
    return wanted, narrowed


async def _by_words(
    tx: Tx, actor: Actor, words: str, wanted: Searched, filters: Filters
) -> tuple[list[Chunk], list[UUID], bool]:
    """The chunks and the messages that words find, best first, and whether these messages hold every word."""
    chunks: list[Chunk] = []
    messages: list[UUID] = []
    are_whole = False
    if wanted.wants_documents:
        chunks = await matching_chunks(tx, words, wanted)
    if wanted.wants_messages:
        messages, are_whole = await find_ranked(tx, actor, words, filters, WIDE)
    return chunks, messages, are_whole


def _filters(wanted: Searched) -> Filters:
    """What messages are narrowed by."""
    places = (wanted.conversation_id,) if wanted.conversation_id else ()
    return Filters(places=places, since=wanted.since, until=wanted.until)


def _checked(q: str) -> str:
    q = q.strip()
    if not q or len(q) > MAX_QUESTION_LENGTH or "\0" in q:
        raise INVALID(f"Search for 1 to {MAX_QUESTION_LENGTH} characters without NUL.", field="q")
    return q
