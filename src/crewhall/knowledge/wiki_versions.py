"""Versions of the wiki as they are written: one after another, none ever changed."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT
from crewhall.kernel.ids import new_id
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_queries import reload_version
from crewhall.knowledge.wiki_schemas import EntryVersion
from crewhall.knowledge.wiki_steps import may_follow
from crewhall.knowledge.wiki_telling import ring_deciders

S = WikiStatus
_INSERT: LiteralString = """
insert into wiki_entries (id, org_id, entry_id, parent_entry_id, base_id, version, status, title, content, category,
                          tags, author_type, author_id, author_name, decided_by, note, reason, created_by, moves,
                          former_project_id, project_id)
values (%(id)s, %(org)s, %(entry)s, %(parent)s, %(base)s, 1, %(status)s, %(title)s, %(content)s, %(category)s, %(tags)s,
        %(author_type)s, %(author)s, %(author_name)s, %(decided_by)s, %(note)s, %(reason)s, %(by)s, %(moves)s,
        %(former_project)s, %(project)s)
"""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a version says."""

    title: str
    content: str
    category: str | None
    tags: list[str]


class Move(msgspec.Struct, frozen=True):
    """A version that moves its entry: of which project it was, and is from then on; None is the organization."""

    former: UUID | None
    project: UUID | None


async def follow(
    tx: Tx, actor: Actor, before: EntryVersion, status: WikiStatus, *, decides: bool = False, reason: str | None = None
) -> EntryVersion:
    """Write the version that follows one with the same words. Raises CONFLICT for a step that may not follow."""
    if not may_follow(before.status, status):
        raise CONFLICT(f"This version is {in_words(before.status)}.", standing=str(before.status))
    words = Words(title=before.title, content=before.content or "", category=before.category, tags=before.tags)
    return await insert_version(tx, actor, before.entry_id, before, words, status, before.base_id,
                                note=before.note, reason=reason, decides=decides)  # fmt: skip


async def follow_elsewhere(tx: Tx, actor: Actor, before: EntryVersion, move: Move, reason: str | None) -> EntryVersion:
    """Write the version that moves an entry, with the approved words as they are, by who decides."""
    words = Words(title=before.title, content=before.content or "", category=before.category, tags=before.tags)
    return await insert_version(tx, actor, before.entry_id, before, words, S.APPROVED, before.id,
                                note=None, reason=reason, decides=True, move=move)  # fmt: skip


def in_words(status: WikiStatus) -> str:
    """A status, to follow `is`."""
    said = {
        S.DRAFT: "a draft",
        S.PENDING: "waiting for a decision",
        S.APPROVED: "approved already",
        S.REJECTED: "rejected already",
    }
    return said[status]


async def insert_version(
    tx: Tx,
    actor: Actor,
    entry_id: UUID,
    before: EntryVersion | None,
    words: Words,
    status: WikiStatus,
    base: UUID | None,
    *,
    note: str | None,
    decides: bool,
    reason: str | None = None,
    move: Move | None = None,
) -> EntryVersion:
    """Write a version; the database numbers it, and refuses what may not follow."""
    author = before.author if decides and before is not None else None
    version_id = new_id()
    await tx.run(
        _INSERT,
        msgspec.structs.asdict(words)
        | {
            "id": version_id,
            "org": actor.org,
            "entry": entry_id,
            "parent": before.id if before else None,
            "base": base,
            "status": str(status),
            "author_type": str(author.type if author else actor.type),
            "author": author.id if author else actor.id,
            "author_name": author.name if author else actor.name,
            "decided_by": actor.id if decides else None,
            "note": note.strip() if note else None,
            "reason": reason,
            "by": actor.id,
            "moves": move is not None,
            "former_project": move and move.former,
            "project": move and move.project,
        },
    )
    if before is not None and before.status is S.PENDING:
        await ring_deciders(tx, actor, before)
    return await reload_version(tx, version_id)
