"""What is left of files: what a reader gets, what the store holds once what is due was removed."""

from typing import Any

import httpx

from crewhall.conversations.file_store import FileStore
from crewhall.conversations.sweeping import Sweeper
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until


async def content(who: Any, file: dict[str, Any], **headers: str) -> httpx.Response:
    """Download a file."""
    found: httpx.Response = await who.api.get(f"/files/{file['id']}/content", headers=headers)
    return found


async def sweep(server: Server) -> None:
    """Remove what is due, now; the server's own sweeper may be at it, too."""
    store = server.services.part(FileStore)
    sweeper = Sweeper(server.db, store.blobs, server.services.signals)

    async def is_done() -> bool | None:
        wait = await sweeper.sweep()
        return wait is None or wait > 1.0 or None

    await until(is_done)


def kept(server: Server, org: Org) -> int:
    """How many blobs the organization has in the store."""
    return sum(path.is_file() for path in (server.home / "blobs" / str(org.id)).rglob("*"))
