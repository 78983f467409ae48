"""How much an organization may have searchable."""

from crewhall.kernel.db import Tx
from crewhall.kernel.errors import define_error
from crewhall.knowledge.work import Work

KNOWLEDGE_FULL = define_error("knowledge_full", 413, "The organization has no room for more passages")


async def check_room(tx: Tx, work: Work, chunks: int, most: int) -> None:
    """Refuse so many chunks of a document where those of all others leave no room for them. Raises KNOWLEDGE_FULL.

    Two that are read at once may exceed it by what one writes at a time.
    """
    if not most:
        return
    others: int = await tx.value(
        "select coalesce(sum(chunks), 0) from documents where org_id = %(org)s and id <> %(id)s",
        {"org": work.org_id, "id": work.id},
    )
    if others + chunks > most:
        raise KNOWLEDGE_FULL(
            f"Your organization has {others:,} passages of {most:,} that it may have, and this document needs more "
            "than are left. Delete files or sources that nobody needs, then try again; or have whoever runs this "
            "installation raise CREWHALL_ORGANIZATION_PASSAGES."
        )
