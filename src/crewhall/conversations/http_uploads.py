"""Uploads in parts over HTTP, as tus 1.0 has them (creation, termination): what a tus client speaks is understood."""

import base64
import binascii
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody

from crewhall.conversations.file_schemas import NewUpload, Upload
from crewhall.conversations.file_store import FileStore
from crewhall.conversations.uploads import Uploads
from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.routers import API_PREFIX
from crewhall.faces.plumbing.services import Services
from crewhall.faces.plumbing.uploading import body_of
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, UNSUPPORTED_MEDIA_TYPE

TUS = {"tus-resumable": "1.0.0"}
PART = "application/offset+octet-stream"
MOST = 2**50
Length = Annotated[
    int | None,
    HeaderParameter(name="Upload-Length", ge=1, le=MOST, description="All its bytes, in place of a body (tus)."),
]
Metadata = Annotated[
    str | None,
    HeaderParameter(name="Upload-Metadata", max_length=4000, description="`filename` and its base64 (tus)."),
]
Offset = Annotated[int, HeaderParameter(name="Upload-Offset", ge=0, le=MOST, description="Where the body begins.")]


@post(
    "/{conversation_id:uuid}/uploads",
    summary="Begin an upload in parts",
    description=(
        "For large files, or bad networks: name and size come as JSON, or in the headers of tus 1.0. `Location` takes "
        "the parts. Where nothing more comes for a day it ends."
    ),
)
async def begin_upload(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    data: JSONBody[NewUpload | None] = None,
    length: Length = None,
    metadata: Metadata = None,
) -> Upload:
    """Begin an upload."""
    if data is None:
        if length is None:
            raise INVALID("Say the file's name and size as JSON, or in the headers of tus.", field="Upload-Length")
        data = NewUpload(_named(metadata), length)
    begun = await _uploads(services).begin(actor, conversation_id, data)
    place = f"{API_PREFIX}/uploads/{begun.id}"
    return Response(begun, status_code=201, headers=TUS | {"location": place})  # type: ignore[return-value]


@get(
    "/{upload_id:uuid}",
    summary="Show how far an upload is",
    description="Its own uploader may. HEAD says the same in `Upload-Offset`.",
)
async def show_upload(
    upload_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Upload:
    """How far it is."""
    found = await _uploads(services).show(actor, upload_id)
    return Response(found, headers=_standing(found) | {"cache-control": "no-store"})  # type: ignore[return-value]


@patch(
    "/{upload_id:uuid}",
    summary="Send a part of an upload",
    description=(
        f"The body (`Content-Type: {PART}`) follows the bytes that are there. What came is kept, should it break off. "
        "With the last part the upload becomes the file of the same id. A part with `Content-Digest` is kept whole, "
        "or not at all (`upload_damaged`: send it again)."
    ),
    status_code=204,
)
async def continue_upload(
    upload_id: FromPath[UUID],
    offset: Offset,
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Take a part."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PART:
        raise UNSUPPORTED_MEDIA_TYPE(f"Send the part with `Content-Type: {PART}`.")
    found = await _uploads(services).proceed(actor, upload_id, offset, body_of(request))
    return Response(None, status_code=204, headers=_standing(found))  # type: ignore[return-value]


@delete("/{upload_id:uuid}", summary="Cancel an upload", description="Its own uploader may.")
async def cancel_upload(
    upload_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Forget what came."""
    await _uploads(services).cancel(actor, upload_id)
    return Response(None, status_code=204, headers=TUS)  # type: ignore[return-value]


def _uploads(services: Services) -> Uploads:
    return Uploads(services.part(FileStore))


def _standing(upload: Upload) -> dict[str, str]:
    return TUS | {"upload-offset": str(upload.offset), "upload-length": str(upload.size)}


def _named(metadata: str | None) -> str:
    """The name in `filename d29ybGQ=,filetype …`."""
    said = dict(one.strip().partition(" ")[::2] for one in (metadata or "").split(","))
    try:
        name = base64.b64decode(said.get("filename") or said.get("name") or "", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise INVALID("filename in Upload-Metadata is no base64 of UTF-8.", field="Upload-Metadata") from error
    if not 1 <= len(name) <= 1000:  # noqa: PLR2004
        raise INVALID("Upload-Metadata says no filename of 1 to 1000 characters.", field="Upload-Metadata")
    return name


OF_CONVERSATIONS = [begin_upload]
HANDLERS = [show_upload, continue_upload, cancel_upload]
