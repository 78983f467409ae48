"""Telling whoever looks at a conversation how far its documents are: frames that are not logged, one a second."""

import time
from typing import LiteralString
from uuid import UUID

from msgspec import Struct

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.knowledge.vocabulary import DocumentStatus, Unit
from crewhall.ports.live import Ephemeral, Live

EVERY_S = 1.0
MOST_PLACES = 50
_PLACES: LiteralString = """
select distinct conversation_id from document_origins
where org_id = any (current_orgs()) and document_id = %(id)s and conversation_id is not null limit %(most)s
"""


class Standing(Struct, frozen=True, kw_only=True):
    """How far a document is, as the frame `document` says it."""

    status: DocumentStatus
    done: int = 0
    total: int | None = None
    unit: Unit | None = None
    failure: str | None = None


class Telling:
    """Says how far one document is while a process is at work on it."""

    def __init__(self, db: Database, live: Live, org_id: UUID, document_id: UUID) -> None:
        self._db = db
        self._live = live
        self._org_id = org_id
        self._document_id = document_id
        self._said = 0.0

    def is_due(self) -> bool:
        """Whether it is time to say something again."""
        return time.monotonic() - self._said >= EVERY_S

    async def say(self, standing: Standing) -> None:
        """Tell the conversations where the document stands."""
        self._said = time.monotonic()
        system = system_actor(self._org_id)
        async with self._db.transaction(system) as tx:
            places = await tx.values(_PLACES, {"id": self._document_id, "most": MOST_PLACES})
        fields = {
            "document": self._document_id, "status": str(standing.status), "done": standing.done,
            "total": standing.total, "unit": standing.unit and str(standing.unit), "failure": standing.failure,
        }  # fmt: skip
        for place in places:
            self._live.emit(system, Ephemeral(self._org_id, place, "document", fields))
