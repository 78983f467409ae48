"""What a version changes, word by word, against the one that it was made from."""

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.differences import differences, shortened
from crewhall.kernel.errors import CrewhallError
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_queries import access_version
from crewhall.knowledge.wiki_schemas import DifferencePiece, EntryDifferences, EntryVersion


async def compare(tx: Tx, actor: Actor, version: EntryVersion) -> EntryDifferences:
    """Compare a version with the approved one that its words were begun from."""
    against = await _read(tx, actor, version)
    return EntryDifferences(
        version=version,
        against=against,
        title=_pieces(against.title if against else "", version.title),
        content=_pieces((against.content or "") if against else "", version.content or ""),
    )


async def _read(tx: Tx, actor: Actor, version: EntryVersion) -> EntryVersion | None:
    """The approved version before; what an agent acting for others may not see is not there."""
    if version.base_id is None:
        return None
    try:
        found = await access_version(tx, actor, version.base_id)
    except CrewhallError:
        return None
    return found if found.status is WikiStatus.APPROVED else None


def _pieces(before: str, after: str) -> list[DifferencePiece]:
    return [DifferencePiece(piece.how, piece.text) for piece in shortened(differences(before, after))]
