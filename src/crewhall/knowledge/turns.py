"""The stages of documents, which have places of their own, and whose turn it is where all of them are taken."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from crewhall.knowledge.vocabulary import DocumentStatus
from crewhall.knowledge.work import Work


class Stage(StrEnum):
    """What is done with a document: its text is read, then embedded. One does not wait for the other."""

    READING = "reading"
    EMBEDDING = "embedding"


class Turn(Struct, frozen=True):
    """A document that is due, or will be in `due_in` seconds; `is_found`: it is only brought up to date."""

    org_id: UUID
    id: UUID
    is_found: bool
    due_in: float


def who_makes_way(due: Turn, works: Sequence[Work]) -> Work | None:
    """Which of those that are at work, the oldest first, is put back for one that is due; None: it waits.

    The last that was begun loses least.
    """
    found = [one for one in works if one.status is DocumentStatus.READY]
    if found and not due.is_found:
        return found[-1]
    counts = Counter(one.org_id for one in works)
    if counts[due.org_id]:
        return None
    several = [one for one in (found if due.is_found else works) if counts[one.org_id] > 1]
    return several[-1] if several else None
