"""Entries of the wiki that move: from one project to another, to the organization, or from there to a project."""

from uuid import UUID

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT
from crewhall.knowledge.wiki_decisions import check_decider, publish
from crewhall.knowledge.wiki_heads import check_project, hold_head
from crewhall.knowledge.wiki_queries import access_version
from crewhall.knowledge.wiki_schemas import EntryVersion, MoveEntry
from crewhall.knowledge.wiki_telling import tell_move
from crewhall.knowledge.wiki_versions import Move, follow_elsewhere


async def move_entry(tx: Tx, actor: Actor, entry_id: UUID, data: MoveEntry) -> EntryVersion:
    """Move an approved entry: its words stay, and who reads and finds it changes from this moment on.

    That is a version of its own. Its versions before go along, and so do links, which name no project. Raises
    NOT_FOUND, FORBIDDEN, INVALID (the project), CONFLICT (it is there already, archived, or not approved yet).
    """
    check_decider(actor)
    head = await hold_head(tx, entry_id)
    if head.approved_id is None:
        raise CONFLICT("Nobody reads this entry yet: approve a version of it first.")
    if data.project_id == head.project_id:
        raise CONFLICT("The entry is there already.", field="project_id")
    await check_project(tx, data.project_id)
    before = await access_version(tx, actor, head.approved_id)
    made = await follow_elsewhere(tx, actor, before, Move(head.project_id, data.project_id), data.reason)
    await publish(tx, actor, head, made)
    await tell_move(tx, actor, made)
    return made
