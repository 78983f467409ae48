"""The page of a document: where it stands, how far it is, and its text, open at the passage that is cited."""

import re
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations import render_markdown
from crewhall.faces.plumbing.attachments import label_of
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.standings import TONES, UNDER_WAY, standing_words
from crewhall.kernel.actor import Actor
from crewhall.kernel.counting import size_in_words
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND, CrewhallError
from crewhall.knowledge import actions
from crewhall.knowledge.documents import access_document, list_chunks
from crewhall.knowledge.originals import originals_of
from crewhall.knowledge.pictures import HAS_PICTURES, IMAGES
from crewhall.knowledge.repeated import without_repeated
from crewhall.knowledge.schemas import ChunkPage, DocumentChunk, Origin
from crewhall.knowledge.snippets import SLIDES
from crewhall.knowledge.vocabulary import OriginKind
from crewhall.knowledge.wiki_names import path_of

AnyRequest = Request[Any, Any, Any]
PAGE_SIZE = 40
"""Chunks that one page shows."""
_HEADING = re.compile(r"(</?h)([1-5])\b")
"""A heading of the text: the page's own stands above it."""


class Place(msgspec.Struct, frozen=True):
    """Where a document stands, as it is shown."""

    label: str
    path: str
    name: str
    icon: str = "clip"


class Passage(msgspec.Struct, frozen=True):
    """A chunk as it is shown."""

    id: UUID
    html: Markup
    is_cited: bool


class Leaf(msgspec.Struct, frozen=True):
    """A page of the document with the chunks that begin on it; what has no pages is one leaf."""

    page: int | None
    passages: list[Passage]


class _Named(msgspec.Struct):
    id: UUID
    label: str


@get("/documents/{document_id:uuid}")
async def show_document(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    document_id: FromPath[UUID],
    chunk: FromQuery[UUID | None] = None,
    after: FromQuery[int | None] = None,
    before: FromQuery[int | None] = None,
) -> Response[str]:
    """A document's text around a passage, or from a place on."""
    async with services.db.transaction(actor) as tx:
        found = await access_document(tx, actor, document_id)
        text, is_cited_gone = await _text(tx, actor, document_id, after, before, chunk)
        places = await _places(tx, found.origins)
    status = str(found.status)
    file = next((one for one in found.origins if one.file_id is not None), None)
    entry = next((one for one in found.origins if one.slug is not None), None)
    return await render_in_hall(
        "document.html",
        request,
        services,
        actor,
        document=found,
        heading=found.title or found.name,
        label=label_of(found.name),
        size=size_in_words(found.size),
        standing=standing_words(msgspec.structs.asdict(found)),
        tone=TONES.get(status),
        is_under_way=status in UNDER_WAY,
        follows=None if file is None else file.conversation_id,
        download=None if file is None else f"/api/v1/files/{file.file_id}/content",
        entry_path=None if entry is None or entry.slug is None else path_of(entry.slug),
        places=places,
        leaves=_leaves(text, chunk),
        text=text,
        is_cited_gone=is_cited_gone,
        has_pictures=found.media_type in HAS_PICTURES and bool(found.pages),
        is_picture=found.media_type in IMAGES,
        leaf_name="slide" if found.media_type in SLIDES else "page",
        originals=originals_of(one.original_url for one in found.origins),
    )


@post("/documents/{document_id:uuid}/retry")
async def retry_document(
    services: NamedDependency[Services], actor: NamedDependency[Actor], document_id: FromPath[UUID]
) -> Redirect:
    """Have it read again."""
    try:
        async with services.db.transaction(actor) as tx:
            await actions.retry_document(tx, actor, document_id)
    except CrewhallError as error:
        return go(f"/documents/{document_id}", error.detail)
    return go(f"/documents/{document_id}", "It is read again.")


async def _text(
    tx: Tx, actor: Actor, document_id: UUID, after: int | None, before: int | None, cited: UUID | None
) -> tuple[ChunkPage, bool]:
    """What is shown, and whether the passage that is cited is gone: then it is the beginning."""
    try:
        text = await list_chunks(tx, actor, document_id, after=after, before=before, around=cited, limit=PAGE_SIZE)
    except CrewhallError as error:
        if cited is None or error.kind is not NOT_FOUND:
            raise
        return await list_chunks(tx, actor, document_id, limit=PAGE_SIZE), True
    return text, False


async def _places(tx: Tx, origins: list[Origin]) -> list[Place]:
    named = await tx.all(
        _Named,
        """
        select id, coalesce('#' || name, title, 'a direct conversation') as label from conversations
        where org_id = any (current_orgs()) and id = any (%(ids)s)
        union all
        select id, 'what ' || name || ' knows' from agents where org_id = any (current_orgs()) and id = any (%(agents)s)
        """,
        {
            "ids": [one.conversation_id for one in origins if one.conversation_id],
            "agents": [one.agent_id for one in origins if one.agent_id],
        },
    )
    labels = {one.id: one.label for one in named}
    of_sources = [
        Place(labels.get(one.agent_id, "what an agent knows"), f"/agents/{one.agent_id}#knowledge", one.name, "jump")
        for one in origins
        if one.agent_id
    ]
    of_the_wiki = [
        Place(f"the wiki: {one.name.removesuffix('.md')}", path_of(one.slug), one.name, "book")
        for one in origins
        if one.slug
    ]
    return (
        of_the_wiki
        + [
            Place(
                labels.get(one.conversation_id, "a conversation"),
                f"/c/{one.conversation_id}" + (f"?at={one.message_seq}" if one.message_seq else ""),
                one.name,
            )
            for one in origins
            if one.kind is OriginKind.FILE and one.conversation_id
        ]
        + of_sources
    )


def _leaves(text: ChunkPage, cited: UUID | None) -> list[Leaf]:
    """The chunks as HTML, page by page; what repeats the one before is left out, but for the first."""
    shown: list[Leaf] = []
    for place, one in enumerate(text.items):
        if not shown or shown[-1].page != one.page:
            shown.append(Leaf(one.page, []))
        shown[-1].passages.append(Passage(one.id, _html(one, whole=place == 0), one.id == cited))
    return shown


def _html(chunk: DocumentChunk, *, whole: bool) -> Markup:
    content = chunk.content if whole else without_repeated(chunk.content, chunk.overlap)
    return Markup(below_title(render_markdown(content.strip("\n") or " ")))  # noqa: S704 - it sanitises


def below_title(html: str) -> str:
    """HTML of a text whose headings stand below the page's own."""
    return _HEADING.sub(lambda found: f"{found[1]}{int(found[2]) + 1}", html)


PAGES = page_router([show_document, retry_document])
