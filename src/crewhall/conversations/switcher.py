"""Where somebody may want to go: places, people, agents, tasks and messages by the first letters of their words."""

from crewhall.conversations.found_tasks import TaskFound, find_tasks
from crewhall.conversations.schemas import SearchHit
from crewhall.conversations.schemas_reading import PlaceFound, PlacesFound
from crewhall.conversations.search import search
from crewhall.conversations.search_syntax import read_query
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.paging import check_limit

MAX_QUERY_LENGTH = 100
DEFAULT_PLACES, MOST_PLACES, MOST_TASKS, MOST_MESSAGES = 12, 50, 5, 5
SHORTEST_SEARCH = 3
"""So few letters begin too many words: tasks and messages are searched from here on."""


async def find_places(tx: Tx, actor: Actor, q: str = "", *, limit: int | None = None) -> PlacesFound:
    """Return where the actor may go, best first: by fit, and by how often and lately they were there.

    Each word of `q` begins a word of the name, handle or code. Without any: where they usually are. Tasks and messages
    are searched once three letters are typed.
    """
    size = check_limit(limit, default=DEFAULT_PLACES, maximum=MOST_PLACES)
    q = _name_of(q)
    if len(q) > MAX_QUERY_LENGTH or "\0" in q:
        raise INVALID(f"q takes at most {MAX_QUERY_LENGTH} characters without NUL.", field="q")
    if not q:
        usual = await tx.all(PlaceFound, "select * from usual_places(%(limit)s)", {"limit": size})
        return PlacesFound(usual, messages=[], tasks=[])
    return PlacesFound(await _named(tx, q, size), await _messages(tx, actor, q), await _tasks(tx, actor, q))


async def find_named(tx: Tx, words: str, limit: int) -> list[PlaceFound]:
    """Return the places alone, as `find_places` does, for words of a search; none where no name can be meant."""
    q = _name_of(words.replace('"', " "))
    return await _named(tx, q, limit) if 0 < len(q) <= MAX_QUERY_LENGTH and "\0" not in q else []


def _name_of(typed: str) -> str:
    return typed.strip().lstrip("#@").strip()


async def _named(tx: Tx, q: str, limit: int) -> list[PlaceFound]:
    return await tx.all(PlaceFound, "select * from find_places(%(q)s, %(limit)s)", {"q": q, "limit": limit})


async def _tasks(tx: Tx, actor: Actor, q: str) -> list[TaskFound]:
    if len(q) < SHORTEST_SEARCH:
        return []
    try:
        return await find_tasks(tx, actor, read_query(q), MOST_TASKS)
    except CrewhallError as error:
        if error.kind is not INVALID:
            raise
        return []


async def _messages(tx: Tx, actor: Actor, q: str) -> list[SearchHit]:
    """What is found by now: an operator whose value is still being typed finds nothing yet."""
    if len(q) < SHORTEST_SEARCH:
        return []
    try:
        return (await search(tx, actor, q, limit=MOST_MESSAGES)).items
    except CrewhallError as error:
        if error.kind is not INVALID:
            raise
        return []
