"""Searches knowledge that is lent, as the agent that lends it, within that one's organization."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database
from crewhall.knowledge.chunk_rankings import Chunk, matching_chunks, near_chunks
from crewhall.knowledge.fusion import fuse
from crewhall.knowledge.lent import Loan, is_lent, narrowed_to_loan, show_lent
from crewhall.knowledge.schemas_search import MOST_FOUND, Finding, Searched


class Lent(msgspec.Struct, kw_only=True):
    """What was found in knowledge that is lent: two rankings, what is shown of each chunk, how near its meaning is."""

    rankings: list[list[UUID]] = []
    shown: dict[UUID, Finding] = {}
    near: list[Chunk] = []


async def search_lent(
    db: Database,
    actor: Actor,
    loan: Loan | None,
    words: str,
    wanted: Searched,
    mean: Callable[[str | None], Awaitable[dict[str, str] | None]],
) -> Lent:
    """Search what is lent to an agent. `mean` says what is asked by the model whose vectors the lender has."""
    narrowed = None if loan is None else narrowed_to_loan(wanted, actor, loan)
    if loan is None or narrowed is None:
        return Lent()
    async with db.transaction(loan.owner) as tx:
        model = await tx.value("select searched_model()")
    meaning = await mean(model)
    async with db.transaction(loan.owner) as tx:
        if not await is_lent(tx, loan):
            return Lent()
        by_words = await matching_chunks(tx, words, narrowed)
        near = await near_chunks(tx, words, narrowed, meaning)
        rankings = [[one.id for one in by_words], [one.id for one in near]]
        best = [one for one, _ in fuse(rankings)][:MOST_FOUND]
        documents = {one.id: one.document_id for one in (*by_words, *near)}
        shown = await show_lent(tx, loan, words, {one: documents[one] for one in best})
    kept = [[one for one in ranking if one in shown] for ranking in rankings]
    return Lent(rankings=kept, shown=shown, near=near)
