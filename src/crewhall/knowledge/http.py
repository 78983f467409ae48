"""Documents over HTTP: how far they are, and what they hold."""

from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.knowledge import actions, documents
from crewhall.knowledge.indexing import get_status
from crewhall.knowledge.lifecycle import KnowledgeParts
from crewhall.knowledge.schemas import ChunkPage, Document, KnowledgeStatus
from crewhall.knowledge.vocabulary import DocumentStatus

Words = Annotated[str | None, QueryParameter(max_length=200, description="Found in names and titles.")]
Status = Annotated[DocumentStatus | None, QueryParameter(description="How far they are.")]
Conversation = Annotated[UUID | None, QueryParameter(description="Those of files of this conversation.")]
File = Annotated[
    list[UUID] | None, QueryParameter(max_items=documents.MOST_FILES, description="Those of these files; repeatable.")
]
After = Annotated[int | None, QueryParameter(ge=-1, le=2**31 - 1, description="Chunks behind this position.")]
Before = Annotated[int | None, QueryParameter(ge=0, le=2**31 - 1, description="Chunks before this position.")]
Around = Annotated[UUID | None, QueryParameter(description="A chunk's id: it, with those before and behind it.")]

Width = Annotated[int, QueryParameter(ge=100, le=2000, description="Its pixels across.")]
PageNumber = Annotated[int, QueryParameter(ge=1, le=100_000, description="Which page, counted from 1.")]


@get(
    "/",
    summary="List documents",
    description=(
        "What was, or is being, made searchable and stands where you may read: attached files, the same bytes once. "
        "Newest first."
    ),
)
async def list_documents(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Words = None,
    status: Status = None,
    conversation: Conversation = None,
    file: File = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Document]:
    """List documents."""
    async with services.db.transaction(actor) as tx:
        return await documents.list_documents(
            tx, actor, q=q, status=status, conversation_id=conversation, files=file, after=after, limit=limit
        )


@get("/{document_id:uuid}", summary="Show a document")
async def get_document(
    document_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Document:
    """How far a document is, and where it stands."""
    async with services.db.transaction(actor) as tx:
        return await documents.access_document(tx, actor, document_id)


@get(
    "/{document_id:uuid}/chunks",
    summary="Read a document",
    description="Its text in passages, in their order, from the beginning, behind or before one, or around one.",
)
async def list_chunks(
    document_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: After = None,
    before: Before = None,
    around: Around = None,
    limit: FromQuery[int | None] = None,
) -> ChunkPage:
    """Give chunks."""
    async with services.db.transaction(actor) as tx:
        return await documents.list_chunks(
            tx, actor, document_id, after=after, before=before, around=around, limit=limit
        )


@post(
    "/{document_id:uuid}/retry",
    summary="Try a document again",
    description="Has one read again that failed, or at once one that was put off.",
    status_code=200,
)
async def retry_document(
    document_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Document:
    """Try again."""
    async with services.db.transaction(actor) as tx:
        return await actions.retry_document(tx, actor, document_id)


@get(
    "/{document_id:uuid}/picture",
    summary="Show a page of a document",
    description="A picture of a PDF's page, or of what is a picture itself, counted from 1.",
    responses={200: ResponseSpec(bytes, description="The page.", media_type="image/webp", generate_examples=False)},
)
async def show_picture(
    document_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    page: PageNumber = 1,
    width: Width = 1200,
) -> Response[bytes]:
    """Send a picture of a page."""
    shown = await services.part(KnowledgeParts).pictures.show(actor, document_id, page, width)
    headers = {"cache-control": "private, max-age=3600", "content-security-policy": "sandbox; default-src 'none'"}
    return Response(shown, media_type="image/webp", headers=headers)


@get(
    "/status",
    summary="Show how far documents are",
    description=(
        "How many are in each state, which model searches ask, how far another one has come, and how far the index is "
        "written anew in another language. Owners and admins."
    ),
)
async def show_status(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> KnowledgeStatus:
    """How far the organization's documents are."""
    most_chunks = services.part(KnowledgeParts).means.most_chunks
    async with services.db.transaction(actor) as tx:
        return await get_status(tx, actor, most_chunks)


ROUTERS = [
    api_router(
        "/documents", [list_documents, get_document, list_chunks, retry_document, show_picture], tags=["Knowledge"]
    ),
    api_router("/knowledge", [show_status], tags=["Knowledge"]),
]
