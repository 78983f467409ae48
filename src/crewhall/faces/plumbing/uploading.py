"""Requests that bring files: as long and as large as their handler lets them be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.digests import HEADER, StatedDigests
from crewhall.kernel.errors import BROKEN_OFF, UPLOAD_DAMAGED, CrewhallError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
IDLE_S = 30.0
"""The longest that a sender may pause."""
LINGER_BYTES, LINGER_S = 64 * 1024 * 1024, 5.0


def is_upload(scope: Scope) -> bool:
    """Whether it brings a file: for as long as that comes, and as large as its handler lets it be."""
    method: str = scope["method"]
    path: str = scope["path"]
    if method == "POST":
        is_file = path.endswith("/files") and path.startswith(("/api/v1/conversations/", "/api/v1/agents/"))
        return is_file or path == "/api/v1/imports" or path.startswith("/api/v1/github/hooks/")
    return method == "PATCH" and path.startswith("/api/v1/uploads/")


def ending_with_body(receive: Receive, send: Send) -> tuple[Receive, Send]:
    """The same, for an upload: one that is answered before it has come whole (it is refused) ends its connection.

    First what comes soon is read and dropped: who still sends when the connection ends may never see the answer.
    """
    is_whole = False

    async def noting_receive() -> MutableMapping[str, Any]:
        nonlocal is_whole
        message = await receive()
        is_whole = not message.get("more_body")
        return message

    async def drop_rest() -> None:
        left = LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_S):
                while not is_whole and left > 0:
                    left -= len((await noting_receive()).get("body", b""))

    async def closing_send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and not is_whole:
            await drop_rest()
            if not is_whole:
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return noting_receive, closing_send


async def body_of(request: AnyRequest) -> AsyncIterator[bytes]:
    """The body as it comes. Raises BROKEN_OFF where it ends too soon, or pauses for too long.

    Where the request states its digest (`Content-Digest`) the body is what was sent, or UPLOAD_DAMAGED comes after its
    last piece: also where it broke off, or the digest cannot be read.
    """
    digests = StatedDigests(request.headers.get(HEADER))
    try:
        async for piece in _pieces_of(request):
            digests.update(piece)
            yield piece
    except CrewhallError as error:
        if digests and error.kind is BROKEN_OFF:
            raise UPLOAD_DAMAGED("It broke off before its digest could be compared. Send it again.") from error
        raise
    digests.check()


async def _pieces_of(request: AnyRequest) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(IDLE_S):
                event = await request.receive()
        except TimeoutError:
            raise BROKEN_OFF(f"Nothing came for {IDLE_S:.0f} s. Go on from where it broke off.") from None
        if event["type"] != "http.request":
            raise BROKEN_OFF("The connection ended before the body did. Go on from where it broke off.")
        if event["body"]:
            yield event["body"]
        if not event.get("more_body"):
            return


def length_of(request: AnyRequest) -> int | None:
    """How many bytes the request says that it has."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isdigit() and len(said) < 19 else None  # noqa: PLR2004
