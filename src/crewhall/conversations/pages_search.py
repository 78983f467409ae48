"""The page that searches. Its address is the query as it is typed: what is chosen beside it becomes an operator."""

import re
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations.found_tasks import asks_for_tasks
from crewhall.conversations.pages_words import within_sentence
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import Conversation, SearchHit
from crewhall.conversations.schemas_reading import PlaceFound
from crewhall.conversations.search import MAX_QUERY_LENGTH, is_too_common, search
from crewhall.conversations.search_filters import Holds
from crewhall.conversations.search_syntax import ONCE, Narrowing, Operator, Query, narrowed, read_query
from crewhall.conversations.switcher import find_named
from crewhall.conversations.vocabulary import ConversationKind
from crewhall.faces.plumbing.pages import go, render_in_hall, zone_of
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import Page
from crewhall.ports.message_log import MessageKind

AnyRequest = Request[Any, Any, Any]
CHOICES = tuple(operator for operator in Operator if operator is not Operator.ON)
"""What has a field of its own; on a phone, one below the other. What is chosen comes beside what is asked already."""
DAYS = (Operator.AFTER, Operator.BEFORE)
"""Whose fields show what is asked already."""
KINDS = (("", "Any kind"), *((str(kind), str(kind).capitalize()) for kind in MessageKind))
HOLDS = (("", "Anything"), (Holds.FILE, "A file"), (Holds.IMAGE, "An image"), (Holds.LINK, "A link"))

MOST_PLACES = 5
"""So many conversations, people and agents stand above the messages; the switcher has the others."""


class Chip(msgspec.Struct, frozen=True):
    """A narrowing as it is shown, with the addresses of the search without it and of that which turns it round.

    What has it is left out then, or asked for; None for days.
    """

    operator: str
    value: str
    without: str
    turned: str | None
    is_excluded: bool


class ShownHit(msgspec.Struct, frozen=True):
    """A message that was found, with where it stands, what it holds, and the address that opens it there."""

    message: SearchHit
    place: str
    snippet: Markup
    path: str
    files: list[Markup]


@get("/search")
async def show_search(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    conversation: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
    chosen: FromQuery[str | None] = None,
) -> Response[str] | Redirect:
    """Messages within reach that match, newest first; what was chosen is sent on to its address.

    Above the first of them, where nothing narrows the search: whose name, or what place's, begins like that. Tasks are
    among the best matches.
    """
    problem, found, too_common, query = None, Page[SearchHit]([]), False, Query(q)
    where: dict[str, str] = {}
    places: list[PlaceFound] = []
    async with services.db.transaction(actor) as tx:
        within = await get_conversation(tx, actor, conversation) if conversation else None
        try:
            query = read_query(q.strip())
            if any(asks_for_tasks(one) for one in query.narrowings):
                return go(f"/search/best?{urlencode({'q': q})}")
            if chosen:
                kept = Query(query.words, tuple(one for one in query.narrowings if one.operator not in DAYS))
                return go(_path(narrowed(kept, _chosen(request))))
            if within:
                return go(_path(narrowed(query, [Narrowing(Operator.IN, _typed_place(within))])))
            where = await _where(tx, actor, query)
            if query.typed:
                found = await search(tx, actor, q, zone=zone_of(request), after=after)
                too_common = not found.items and await is_too_common(tx, actor, q)
            if not query.narrowings and not after:
                places = await find_named(tx, query.words, MOST_PLACES)
        except CrewhallError as error:
            problem = error.detail
    return await render_in_hall(
        "search.html",
        request,
        services,
        actor,
        q=q,
        longest=MAX_QUERY_LENGTH,
        words=query.words,
        chips=[_chip(query, one, where) for one in query.narrowings],
        days={operator.value: next(iter(query.values(operator)), "") for operator in DAYS},
        kinds=KINDS,
        holds=HOLDS,
        places=places,
        hits=[_hit(hit) for hit in found.items],
        older=f"{_path(query)}&{urlencode({'after': found.next})}" if found.next else None,
        problem=problem,
        too_common=too_common,
    )


def _chosen(request: AnyRequest) -> list[Narrowing]:
    chosen = [(operator, request.query_params.get(operator, "")) for operator in CHOICES]
    return [
        Narrowing(operator, re.sub(r'[\s"]+', " ", value).strip()) for operator, value in chosen if value.strip(' "\t')
    ]


def _typed_place(found: Conversation) -> str:
    if found.name:
        return f"#{found.name}"
    if found.kind is ConversationKind.DIRECT and found.partner and found.partner.handle:
        return f"@{found.partner.handle}"
    return str(found.id)


async def _where(tx: Tx, actor: Actor, query: Query) -> dict[str, str]:
    """What conversations that are named by their ids are called."""
    found: dict[str, str] = {}
    for value in query.values(Operator.IN):
        try:
            found[value] = within_sentence(await get_conversation(tx, actor, UUID(value)))
        except (ValueError, CrewhallError):
            continue
    return found


def _chip(query: Query, one: Narrowing, where: dict[str, str]) -> Chip:
    shown = where.get(one.value, one.value) if one.operator is Operator.IN else one.value
    turned = None if one.operator in ONCE else _path(query.without(one, one.turned))
    return Chip(one.operator, shown, _path(query.without(one)), turned, one.is_excluded)


def _path(query: Query) -> str:
    return f"/search?{urlencode({'q': query.typed})}"


def _hit(hit: SearchHit) -> ShownHit:
    place = f"#{hit.conversation.name}" if hit.conversation.name else hit.conversation.title or "a direct conversation"
    thread = f"thread={hit.parent_id}&" if hit.parent_id else ""
    snippet, *files = [Markup(shown) for shown in (hit.snippet, *hit.file_names)]  # noqa: S704 - escaped by search
    return ShownHit(hit, place, snippet, f"/c/{hit.conversation_id}?{thread}at={hit.seq}", files)


HANDLERS = [show_search]
