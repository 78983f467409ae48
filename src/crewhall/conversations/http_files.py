"""Files over HTTP: sent up whole, shown, listed, read in part. Nothing leaves as something that a browser runs."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, QueryParameter
from litestar.response import Stream

from crewhall.conversations import files
from crewhall.conversations.byte_ranges import is_same, range_of
from crewhall.conversations.file_schemas import File, FileStatus
from crewhall.conversations.file_store import FileStore
from crewhall.conversations.file_types import SHOWN_IMAGES, UNKNOWN
from crewhall.conversations.files import StoredFile, absent
from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.digests import stating
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.uploading import body_of, length_of
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

SANDBOX = "sandbox; default-src 'none'"
Name = Annotated[str, QueryParameter(min_length=1, max_length=1000, description="What the file is called.")]
Range = Annotated[str | None, HeaderParameter(name="Range", description="`bytes=0-1023`: one range of it.")]
IfRange = Annotated[str | None, HeaderParameter(name="If-Range", description="The ETag of which the range is wanted.")]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", description="ETags that are known.")]
Save = Annotated[bool, QueryParameter(description="To be saved, also where it could be shown.")]
Named = Annotated[str | None, QueryParameter(max_length=200, description="Part of their names.")]
Status = Annotated[FileStatus | None, QueryParameter(description="Whether they are being read, or could not be.")]
_BYTES = ResponseSpec(bytes, description="The bytes.", media_type=UNKNOWN, generate_examples=False)


@post(
    "/{conversation_id:uuid}/files",
    summary="Upload a file",
    description=(
        "The body is the file, whatever its content type. It is stored when this answers; post a message with its id "
        "in `files` to attach it. One that no message takes is removed after a day. What it is is told by its bytes. "
        "With `Content-Digest` (RFC 9530; sha-256, sha-512) it is compared; where it differs: `upload_damaged`."
    ),
)
async def upload_file(
    conversation_id: FromPath[UUID],
    name: Name,
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> File:
    """Take a whole file in."""
    return await services.part(FileStore).take(actor, conversation_id, name, body_of(request), length_of(request))


@get(
    "/{conversation_id:uuid}/files",
    summary="List a conversation's files",
    description="What is attached to its messages, the newest first.",
)
async def list_files(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Named = None,
    status: Status = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[File]:
    """List the files of a conversation."""
    async with services.db.transaction(actor) as tx:
        return await files.list_files(tx, actor, conversation_id, q=q, status=status, after=after, limit=limit)


@get("/", summary="List files", description="What is attached to messages that you may read, the newest first.")
async def list_all_files(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Named = None,
    status: Status = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[File]:
    """List the files of every conversation within reach."""
    async with services.db.transaction(actor) as tx:
        return await files.list_files(tx, actor, q=q, status=status, after=after, limit=limit)


@get("/{file_id:uuid}", summary="Show a file")
async def get_file(file_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]) -> File:
    """What a file is."""
    return (await services.part(FileStore).find(actor, file_id)).shown()


@delete(
    "/{file_id:uuid}",
    summary="Remove an upload that was not posted",
    description="Its uploader may. A file that a message has goes with the message.",
)
async def remove_file(
    file_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Let go of a file."""
    await services.part(FileStore).remove(actor, file_id)


@get(
    "/{file_id:uuid}/content",
    summary="Download a file",
    description=(
        "Whole, or one range of it. Images that can be shown come as what they are; everything else comes to be saved, "
        "and never as something that a browser would run."
    ),
    response_headers=[
        ResponseHeader(name="ETag", description="Names the bytes.", documentation_only=True),
        ResponseHeader(name="Repr-Digest", description="The SHA-256 of all of them.", documentation_only=True),
    ],
    responses={200: _BYTES, 206: ResponseSpec(bytes, description="A range.", media_type=UNKNOWN)},
)
async def download_file(
    file_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    asked_range: Range = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
    save: Save = False,  # noqa: FBT002 - a query says so by name
) -> Response[bytes]:
    """Send a file's bytes."""
    store = services.part(FileStore)
    file = await store.find(actor, file_id)
    headers, media_type = _about(file, save=save)
    if is_same(if_none_match, headers["etag"]):
        return Response(b"", status_code=304, headers=headers)
    wanted = range_of(asked_range, file.size) if if_range in {None, headers["etag"]} else None
    start, end = wanted or (0, file.size)
    headers["repr-digest"] = stating(bytes.fromhex(file.sha256))
    headers["content-length"] = str(end - start)
    if wanted:
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    pieces = await _begun(store.blobs.read(file.key, start, end))
    return Stream(  # type: ignore[return-value]
        pieces, media_type=media_type, headers=headers, status_code=206 if wanted else 200
    )


@get(
    "/{file_id:uuid}/thumbnail",
    summary="Show an image, small",
    description="A WebP of at most 960 × 720 pixels, without the image's metadata.",
    responses={200: ResponseSpec(bytes, description="The image.", media_type="image/webp", generate_examples=False)},
)
async def show_thumbnail(
    file_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    if_none_match: IfNoneMatch = None,
) -> Response[bytes]:
    """Send an image's thumbnail."""
    store = services.part(FileStore)
    file = await store.find(actor, file_id)
    if file.thumbnail_key is None:
        raise absent()
    headers = _private(f'"{file.sha256}-small"') | {"content-disposition": "inline"}
    if is_same(if_none_match, headers["etag"]):
        return Response(b"", status_code=304, headers=headers)
    pieces = await _begun(store.blobs.read(file.thumbnail_key))
    return Stream(pieces, media_type="image/webp", headers=headers)  # type: ignore[return-value]


def _about(file: StoredFile, *, save: bool) -> tuple[dict[str, str], str]:
    """The headers of a file's bytes, and the type that they are sent as."""
    is_shown = file.media_type in SHOWN_IMAGES and file.thumbnail_key is not None
    saved_as = "text/plain" if file.media_type.startswith("text/") else UNKNOWN
    media_type = file.media_type if is_shown else saved_as
    headers = _private(f'"{file.sha256}"') | {
        "accept-ranges": "bytes",
        "content-disposition": _disposition(file.name, "inline" if is_shown and not save else "attachment"),
    }
    return headers, media_type


def _private(etag: str) -> dict[str, str]:
    return {
        "etag": etag,
        "cache-control": "private, no-cache",
        "content-security-policy": SANDBOX,
        "cross-origin-resource-policy": "same-origin",
    }


def _disposition(name: str, how: str) -> str:
    """How it is to be taken, with its name for those who know UTF-8 and for those who do not."""
    plain = "".join(one if one.isascii() and one.isprintable() and one not in '"\\%' else "_" for one in name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces, of which the first has come: bytes that are missing are told before the answer begins."""
    first = await anext(pieces, b"")

    async def all_of_them() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return all_of_them()


OF_CONVERSATIONS = [upload_file, list_files]
HANDLERS = [list_all_files, get_file, remove_file, download_file, show_thumbnail]
