"""Tasks among what fits best, by words and by meaning; `kind:task` narrows to them, as `kind:wiki` does to the wiki."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from crewhall.conversations import Query, show_tasks
from crewhall.conversations import rank_tasks as tasks_by_words
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID
from crewhall.knowledge.message_meaning import NearMessage, rank_messages
from crewhall.knowledge.schemas_search import Finding, FindingKind, Searched

_KINDS = {str(kind): kind for kind in FindingKind if kind is not FindingKind.MESSAGE}
"""What `kind:` says beside kinds of messages."""


def take_kinds(query: Query, wanted: Searched) -> tuple[Query, Searched]:
    """Take `kind:task`, `kind:file` and so on out of a query: they say what is searched. Raises INVALID (twice)."""
    taken = [one for one in query.narrowings if one.operator == "kind" and one.value.lower() in _KINDS]
    if not taken:
        return query, wanted
    if any(one.is_excluded for one in taken):
        raise INVALID("-kind: leaves out kinds of messages. Say which kinds you look for instead.", field="q")
    if wanted.kinds:
        raise INVALID("kinds are given twice: as an operator and beside it.", field="q")
    kinds = tuple(dict.fromkeys(_KINDS[one.value.lower()] for one in taken))
    rest = Query(query.words, tuple(one for one in query.narrowings if one not in taken))
    return rest, msgspec.structs.replace(wanted, kinds=kinds)


async def find_tasks_by_words(tx: Tx, words: str, wanted: Searched, limit: int) -> tuple[list[UUID], bool]:
    """The tasks that words find, best first, and whether they hold every word."""
    if not wanted.wants_tasks:
        return [], False
    return await tasks_by_words(tx, words, limit, since=wanted.since, until=wanted.until)


def rank_tasks(
    found: tuple[list[UUID], bool], near: Sequence[NearMessage], others: Sequence[float]
) -> list[list[UUID | None]]:
    """The rankings of tasks, as those of messages: what else is nearer holds its place."""
    by_words, are_whole = found
    return rank_messages(by_words, near, others, are_whole=are_whole) if by_words or near else []


async def show_found_tasks(tx: Tx, actor: Actor, words: str, ids: Sequence[UUID]) -> dict[UUID, Finding]:
    """Tasks as they are shown among what else was found."""
    return {
        one.id: Finding(
            kind=FindingKind.TASK,
            id=one.id,
            title=one.title,
            where=f"{one.name}, {one.status.replace('_', ' ')}, {one.priority}",
            url=f"/tasks/{one.id}",
            text=one.text or one.title,
            snippet=one.snippet,
            score=0,
            created_at=one.created_at,
        )
        for one in await show_tasks(tx, actor, words, ids)
    }
