"""The page of a conversation's files."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from crewhall.conversations.files import list_files
from crewhall.conversations.pages_words import within_sentence
from crewhall.conversations.queries import get_conversation
from crewhall.faces.plumbing.attachments import attachment_view, size_in_words
from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor

AnyRequest = Request[Any, Any, Any]


@get("/c/{conversation_id:uuid}/files")
async def show_files(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What is attached to a conversation's messages, the newest first."""
    async with services.db.transaction(actor) as tx:
        conversation = await get_conversation(tx, actor, conversation_id)
        found = await list_files(tx, actor, conversation_id, after=after)
    shown = [
        attachment_view(msgspec.structs.asdict(file)) | {"size_in_words": size_in_words(file.size)}
        for file in found.items
    ]
    return await render_in_hall(
        "conversation_files.html",
        request,
        services,
        actor,
        conversation=conversation,
        heading=f"Files in {within_sentence(conversation)}",
        files=list(zip(found.items, shown, strict=True)),
        next=found.next,
    )


HANDLERS = [show_files]
