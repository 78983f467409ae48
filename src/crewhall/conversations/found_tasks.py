"""Tasks among what is found: they are a later domain's, which says how (`provide_tasks`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from msgspec import Meta, Struct

from crewhall.conversations.search_ranked import any_of
from crewhall.conversations.search_syntax import Narrowing, Operator, Query
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

MAX_WORDS = 1000
KIND = "task"
"""What `kind:` calls them."""


class TaskFound(Struct, kw_only=True):
    """A task that was found; `name` is what it is called in passing: `cafe-orders#12`."""

    id: UUID
    name: str
    title: str
    project: str
    status: str
    priority: str
    text: Annotated[str, Meta(description="Its description, in Markdown.")]
    snippet: Annotated[str, Meta(description="Safe HTML: its words around those that match, these in `<mark>`.")]
    created_at: datetime


class TaskFinder(Protocol):
    """Finds tasks within an actor's reach."""

    async def rank(
        self, tx: Tx, words: str, *, since: datetime | None, until: datetime | None, limit: int
    ) -> list[UUID]:
        """Those that hold every word, best first; the one whose name is typed before all others."""
        ...

    async def show(self, tx: Tx, actor: Actor, words: str, ids: Sequence[UUID]) -> list[TaskFound]:
        """These, in this order; what is gone or out of reach meanwhile is left out."""
        ...


_finders: list[TaskFinder] = []


def provide_tasks(finder: TaskFinder) -> None:
    """Say who finds tasks in this process."""
    _finders[:] = [finder]


async def rank_tasks(
    tx: Tx, words: str, limit: int, *, since: datetime | None = None, until: datetime | None = None
) -> tuple[list[UUID], bool]:
    """The tasks that fit words best, and whether they hold all of them: where none does, some."""
    words = words[:MAX_WORDS]
    for finder in _finders:
        found = await finder.rank(tx, words, since=since, until=until, limit=limit)
        if not found and (some := any_of(words)):
            return await finder.rank(tx, some, since=since, until=until, limit=limit), False
        return found, True
    return [], False


async def show_tasks(tx: Tx, actor: Actor, words: str, ids: Sequence[UUID]) -> list[TaskFound]:
    """Tasks that were found, as they are shown."""
    return await _finders[0].show(tx, actor, words, ids) if ids and _finders else []


async def find_tasks(tx: Tx, actor: Actor, query: Query, limit: int) -> list[TaskFound]:
    """The best of the tasks that hold all words of a query; none where it is narrowed by what no task has."""
    if not query.words or any(not asks_for_tasks(one) for one in query.narrowings):
        return []
    ids = await _finders[0].rank(tx, query.words, since=None, until=None, limit=limit) if _finders else []
    return await show_tasks(tx, actor, query.words, ids)


def asks_for_tasks(narrowing: Narrowing) -> bool:
    """Whether it is `kind:task`."""
    return narrowing.operator is Operator.KIND and not narrowing.is_excluded and narrowing.value.lower() == KIND
