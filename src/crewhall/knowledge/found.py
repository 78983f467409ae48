"""What was found, as it is given: passages and messages by their ids, with where they open and how near they are."""

from collections.abc import Sequence
from uuid import UUID

from crewhall.conversations import show_hits
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.knowledge.chunk_rankings import Chunk
from crewhall.knowledge.message_meaning import NearMessage
from crewhall.knowledge.schemas_search import Finding, FindingKind
from crewhall.knowledge.snippets import show_chunks


async def show_found(
    tx: Tx, actor: Actor, words: str, ids: Sequence[UUID], chunks: dict[UUID, UUID], conversation_id: UUID | None
) -> dict[UUID, Finding]:
    """Chunks and messages by their ids; what is gone meanwhile is not among them."""
    shown = {one.id: one for one in await _show_messages(tx, actor, words, [one for one in ids if one not in chunks])}
    ours = {one: chunks[one] for one in ids if one in chunks}
    if ours:
        shown |= {one.id: one for one in await show_chunks(tx, actor, words, ours, conversation_id)}
    return shown


async def _show_messages(tx: Tx, actor: Actor, words: str, ids: list[UUID]) -> list[Finding]:
    if not ids:
        return []
    return [
        Finding(
            kind=FindingKind.MESSAGE,
            id=hit.id,
            title=hit.title or hit.author.name,
            where=_name_of(hit.conversation.name, hit.conversation.title),
            url=f"/c/{hit.conversation_id}?{f'thread={hit.parent_id}&' if hit.parent_id else ''}at={hit.seq}",
            text=hit.content,
            snippet=hit.snippet,
            score=0,
            created_at=hit.created_at,
            conversation=hit.conversation,
            author=hit.author.name,
        )
        for hit in await show_hits(tx, actor, words, ids)
    ]


def _name_of(name: str | None, title: str | None) -> str:
    return f"#{name}" if name else title or "a direct conversation"


def score_found(found: list[Finding], fused: dict[UUID, float], near: Sequence[Chunk | NearMessage]) -> None:
    """Say of what was found how it stands in the rankings, and how near it is."""
    likeness = {one.id: round(1 - one.distance, 4) for one in near if one.distance is not None}
    for one in found:
        one.score = round(fused[one.id], 6)
        one.likeness = likeness.get(one.id)
