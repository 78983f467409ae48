"""Decisions about the wiki, by people with the right: approved, rejected, rolled back, archived, restored."""

import asyncio
from uuid import UUID

from crewhall.identity import Permission, check_permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, NOT_FOUND
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki import check_author, check_newest, edit_entry
from crewhall.knowledge.wiki_documents import publish_document, withdraw_document
from crewhall.knowledge.wiki_heads import Head, clear_names, hold_head
from crewhall.knowledge.wiki_queries import access_version, reload_version
from crewhall.knowledge.wiki_schemas import EntryEdit, EntryVersion, RollBack
from crewhall.knowledge.wiki_telling import note_archive, tell_decision
from crewhall.knowledge.wiki_versions import follow, in_words

S = WikiStatus


async def approve_version(tx: Tx, actor: Actor, version_id: UUID, reason: str | None = None) -> EntryVersion:
    """Approve what waits: everybody in scope reads it from now on.

    Raises NOT_FOUND, FORBIDDEN, CONFLICT (decided, or taken back), STALE_ENTRY where another version was approved since
    its words were begun.
    """
    check_decider(actor)
    head, found = await _waiting(tx, actor, version_id)
    if found.is_behind:
        await check_newest(tx, await reload_version(tx, found.base_id) if found.base_id else found)
        raise CONFLICT("Another version of this entry was approved meanwhile. Its author has to look at that first.")
    made = await follow(tx, actor, found, S.APPROVED, decides=True, reason=reason)
    await publish(tx, actor, head, made)
    await tell_decision(tx, actor, made)
    return made


async def reject_version(tx: Tx, actor: Actor, version_id: UUID, reason: str) -> EntryVersion:
    """Reject what waits; its author reads why, and may write it anew. Raises NOT_FOUND, FORBIDDEN, CONFLICT."""
    check_decider(actor)
    _, found = await _waiting(tx, actor, version_id)
    made = await follow(tx, actor, found, S.REJECTED, decides=True, reason=reason.strip())
    await tell_decision(tx, actor, made)
    return made


async def roll_back(tx: Tx, actor: Actor, entry_id: UUID, data: RollBack) -> EntryVersion:
    """Propose the words of an approved version before as a new one; approved at once where the actor may decide.

    Raises NOT_FOUND, FORBIDDEN, CONFLICT.
    """
    await check_author(tx, actor)
    head = await hold_head(tx, entry_id)
    before = await access_version(tx, actor, data.version_id)
    if before.entry_id != entry_id or head.approved_id is None:
        raise NOT_FOUND("This entry has no such version.")
    if before.status is not S.APPROVED or before.is_current:
        raise CONFLICT("Choose a version that was approved, and is not the one that is read now.", field="version_id")
    edit = EntryEdit(
        version_id=head.approved_id,
        title=before.title,
        content=before.content or "",
        category=before.category,
        tags=before.tags,
        note=data.note or f"Back to version {before.version}",
    )
    made = await edit_entry(tx, actor, entry_id, edit, known=before.category)
    return await approve_version(tx, actor, made.id) if may_decide(actor) else made


async def archive_entry(tx: Tx, actor: Actor, entry_id: UUID) -> None:
    """Take an entry out of the wiki; its versions stay, and it can be restored. Raises NOT_FOUND, FORBIDDEN."""
    check_decider(actor)
    head = await hold_head(tx, entry_id, archived=True)
    if head.is_archived:
        return
    await tx.run(
        "update wiki_heads set deleted_at = now(), deleted_by = %(by)s where entry_id = %(id)s",
        {"id": entry_id, "by": actor.id},
    )
    await withdraw_document(tx, actor.org, entry_id)
    await note_archive(tx, actor, "wiki_entry.archived", entry_id, head.title)


async def restore_entry(tx: Tx, actor: Actor, entry_id: UUID) -> None:
    """Bring an archived entry back. Raises NOT_FOUND, FORBIDDEN, CONFLICT (its name is another's by now)."""
    check_decider(actor)
    head = await hold_head(tx, entry_id, archived=True)
    if not head.is_archived:
        return
    with clear_names():
        await tx.run(
            "update wiki_heads set deleted_at = null, deleted_by = null where entry_id = %(id)s", {"id": entry_id}
        )
    if head.approved_id is not None:
        await publish_document(tx, actor.org, await reload_version(tx, head.approved_id))
    await note_archive(tx, actor, "wiki_entry.restored", entry_id, head.title)


def may_decide(actor: Actor) -> bool:
    """Whether the actor decides about the wiki: a person with the right, acting by themselves."""
    return actor.type is ActorType.USER and is_allowed(actor, Permission.WIKI_DECIDE)


def check_decider(actor: Actor) -> None:
    """Refuse who does not decide about the wiki. Raises FORBIDDEN."""
    check_permission(actor, Permission.WIKI_DECIDE)
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("A person decides about the wiki.", permission=str(Permission.WIKI_DECIDE))


async def _waiting(tx: Tx, actor: Actor, version_id: UUID) -> tuple[Head, EntryVersion]:
    """An entry, held, and its version that waits for a decision."""
    head = await hold_head(tx, (await access_version(tx, actor, version_id)).entry_id)
    found = await access_version(tx, actor, version_id)
    if found.status is not S.PENDING or not found.is_open:
        now = found.status if found.status is not S.PENDING else await _after(tx, found)
        said = in_words(now) if now else "taken back by its author"
        raise CONFLICT(f"There is nothing to decide: this is {said}.", standing=str(now or found.status))
    return head, found


async def _after(tx: Tx, version: EntryVersion) -> WikiStatus | None:
    """What became of a version that waited, as far as that may be told."""
    status = await tx.value(
        """
        select status from wiki_entries where org_id = any (current_orgs()) and parent_entry_id = %(id)s
        order by version desc limit 1
        """,
        {"id": version.id},
    )
    return None if status is None else WikiStatus(status)


async def publish(tx: Tx, actor: Actor, head: Head, version: EntryVersion) -> None:
    """Let everybody in scope read, find and follow what was approved."""
    from crewhall.knowledge.wiki_markdown import links_of  # with the first text that needs it

    values = {
        "id": head.entry_id,
        "org": actor.org,
        "title": version.title,
        "content": version.content,
        "category": version.category,
        "tags": version.tags,
        "links": await asyncio.to_thread(links_of, version.content or ""),  # it may take a second
    }
    with clear_names():
        await tx.run(
            """
            update wiki_heads h set title = %(title)s, category = %(category)s, tags = %(tags)s,
                vector = wiki_vector(o.search_language, %(title)s, %(tags)s, %(content)s)
            from organizations o where o.id = h.org_id and h.entry_id = %(id)s
            """,
            values,
        )
    await tx.run("delete from wiki_links where org_id = %(org)s and entry_id = %(id)s", values)
    await tx.run(
        """
        insert into wiki_links (org_id, entry_id, slug)
        select %(org)s, %(id)s, l from unnest(%(links)s::text[]) as l where length(l) <= 500
        """,
        values,
    )
    await publish_document(tx, actor.org, version)
