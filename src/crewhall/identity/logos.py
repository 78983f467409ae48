"""An organization's logo: an image, made small and plain, shown to whoever looks at a page of theirs."""

from collections.abc import AsyncIterator
from uuid import UUID

from crewhall.identity.organizations import enter_organization, get_organization
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.schemas import Organization
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.stray_blobs import drop_stray, let_go, note_stray
from crewhall.kernel.thumbnails import Thumbnails
from crewhall.ports.blobs import Blobs

LARGEST = 1024 * 1024
"""Bytes of an image that a logo is made of: as large as any request may be."""
SIDE = 256
"""The longest side of a logo, in pixels."""
SWEEP_CHANNEL = "crewhall_files"


class Logos:
    """Keeps logos in the blob store."""

    def __init__(self, db: Database, blobs: Blobs) -> None:
        self._db = db
        self._blobs = blobs
        self._thumbnails = Thumbnails(SIDE)

    async def change(self, person: Actor, org_id: UUID, image: bytes) -> Organization:
        """Make an image (PNG, JPEG, GIF or WebP) the logo.

        Raises NOT_FOUND, FORBIDDEN, INVALID, IMAGE_REFUSED, UNAVAILABLE.
        """
        async with self._db.transaction(person) as tx:
            inside = await enter_organization(tx, person, org_id)
            check_permission(inside, Permission.ORGANIZATION_UPDATE)
        if not image or len(image) > LARGEST:
            raise INVALID("Send an image of at most 1 MiB.", field="logo")
        made = await self._thumbnails.make(_once(image))
        async with self._db.transaction(inside) as tx:
            key = await note_stray(tx, org_id)
        await self._blobs.write(key, _once(made.webp))
        async with self._db.transaction(inside) as tx:
            await drop_stray(tx, [key])
            return await self._set(tx, inside, UUID(key.rpartition("/")[2]))

    async def remove(self, person: Actor, org_id: UUID) -> Organization:
        """Take the logo away. Raises NOT_FOUND, FORBIDDEN."""
        async with self._db.transaction(person) as tx:
            inside = await enter_organization(tx, person, org_id)
            return await self._set(tx, inside, None)

    async def read(self, logo_id: UUID) -> bytes:
        """The bytes of a logo (WebP), for whoever has its id. Raises NOT_FOUND for what is none (any more)."""
        async with self._db.transaction(None) as tx:
            org_id = await tx.value("select organization_with_logo(%(id)s)", {"id": logo_id})
        if org_id is None:
            raise NOT_FOUND("There is no such logo.")
        return b"".join([piece async for piece in self._blobs.read(f"{org_id}/{logo_id}")])

    async def _set(self, tx: Tx, inside: Actor, logo_id: UUID | None) -> Organization:
        check_permission(inside, Permission.ORGANIZATION_UPDATE)
        before = await tx.value("select logo from organizations where id = %(id)s for update", {"id": inside.org})
        if before != logo_id:
            await tx.run(
                "update organizations set logo = %(logo)s, updated_by = %(by)s where id = %(id)s",
                {"logo": logo_id, "by": inside.id, "id": inside.org},
            )
            changed = {"changed": ["logo"]}
            await audit.record(tx, inside, "organization.updated", "organization", inside.org, changed)
        if before is not None and before != logo_id:
            await let_go(tx, inside.org, f"{inside.org}/{before}")
            await tx.notify(SWEEP_CHANNEL, "")
        return await get_organization(tx, inside.org)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
