"""The pages of files: a conversation's, and all that one may read."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from crewhall.conversations.file_schemas import File, FileStatus
from crewhall.conversations.files import list_files
from crewhall.conversations.pages_words import within_sentence
from crewhall.conversations.queries import get_conversation
from crewhall.faces.plumbing.attachments import attachment_view
from crewhall.faces.plumbing.pages import render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.standings import TONES, UNDER_WAY, standing_words
from crewhall.kernel.actor import Actor
from crewhall.kernel.counting import size_in_words
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import Page

AnyRequest = Request[Any, Any, Any]
STATES = (("", "Any"), ("processing", "Being read"), ("failed", "Failed"))


@get("/c/{conversation_id:uuid}/files")
async def show_files(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    q: FromQuery[str] = "",
    status: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What is attached to a conversation's messages, the newest first."""
    async with services.db.transaction(actor) as tx:
        conversation = await get_conversation(tx, actor, conversation_id)
    heading = f"Files in {within_sentence(conversation)}"
    return await _page(request, services, actor, heading, conversation_id, q, status, after)


@get("/files")
async def browse_files(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: FromQuery[str] = "",
    status: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What is attached to messages that the actor may read, the newest first."""
    return await _page(request, services, actor, "Files", None, q, status, after)


async def _page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    heading: str,
    conversation_id: UUID | None,
    q: str,
    status: str,
    after: str | None,
) -> Response[str]:
    only = FileStatus(status) if status in set(FileStatus) else None
    problem, found = None, Page[File]([])
    async with services.db.transaction(actor) as tx:
        try:
            found = await list_files(tx, actor, conversation_id, q=q, status=only, after=after)
        except CrewhallError as error:
            problem = error.detail
    path = f"/c/{conversation_id}" if conversation_id else ""
    older = {name: value for name, value in (("q", q), ("status", status), ("after", found.next)) if value}
    return await render_in_hall(
        "files.html",
        request,
        services,
        actor,
        back=path,
        here=f"{path}/files",
        heading=heading,
        files=[_shown(file) for file in found.items],
        older=f"{path}/files?{urlencode(older)}" if found.next else None,
        problem=problem,
        q=q,
        asked=status,
        states=STATES,
    )


def _shown(file: File) -> dict[str, Any]:
    """A file as its row shows it."""
    view = attachment_view(msgspec.structs.asdict(file))
    document = None if file.document is None else msgspec.structs.asdict(file.document)
    is_wordless = (
        file.document is not None and file.document.status == "failed" and file.failure is None
    )  # a photograph
    return view | {
        "file": file, "size_in_words": size_in_words(file.size), "document": file.document,
        "standing": "No text in it" if is_wordless else standing_words(document), "is_wordless": is_wordless,
        "tone": TONES.get(str(file.document.status)) if file.document else None,
        "is_under_way": file.document is not None and file.document.status in UNDER_WAY,
    }  # fmt: skip


HANDLERS = [show_files, browse_files]
