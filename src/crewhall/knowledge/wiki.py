"""The wiki written: drafts, proposals, decisions. Each step is a new version, and no version ever changes."""

from uuid import UUID

from msgspec import UNSET

from crewhall.identity import Permission, check_permission, get_organization
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, CrewhallError, define_error
from crewhall.kernel.visible import visible_line
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_heads import Head, begin_head, hold_head, rename
from crewhall.knowledge.wiki_queries import access_version, reload_version
from crewhall.knowledge.wiki_schemas import EntryEdit, EntryVersion, NewEntry
from crewhall.knowledge.wiki_telling import ring_deciders, tell_deciders
from crewhall.knowledge.wiki_versions import Words, follow, in_words, insert_version

STALE_ENTRY = define_error("stale_entry", 409, "The entry was changed meanwhile")
S = WikiStatus


async def write_entry(tx: Tx, actor: Actor, data: NewEntry) -> EntryVersion:
    """Begin an entry, as a draft or proposed at once. Raises FORBIDDEN, INVALID, CONFLICT (a name that is taken)."""
    await check_author(tx, actor)
    words = await _checked(tx, actor, data.title, data.content, data.category, data.tags)
    entry_id = await begin_head(tx, actor, words.title, data.slug, data.project_id)
    return await _write(tx, actor, entry_id, None, words, note=data.note, draft=data.draft)


async def edit_entry(
    tx: Tx, actor: Actor, entry_id: UUID, data: EntryEdit, *, known: str | None = None
) -> EntryVersion:
    """Write another version of an entry, from the approved one or from one's own open one.

    `known`: a category that it may have although the organization gave it up.

    Raises NOT_FOUND, FORBIDDEN, INVALID, CONFLICT, STALE_ENTRY (with what is there) where that one is not the newest.
    """
    await check_author(tx, actor)
    head = await hold_head(tx, entry_id)
    before = await _version_of(tx, actor, head, data.version_id)
    if before.status is not S.APPROVED:
        check_own(actor, before)
    await check_newest(tx, before)
    words = await _checked(
        tx,
        actor,
        before.title if data.title is UNSET else data.title,
        before.content or "" if data.content is UNSET else data.content,
        before.category if data.category is UNSET else data.category,
        before.tags if data.tags is UNSET else data.tags,
        known=known or before.category,
    )
    await rename(tx, head, words.title, None if data.slug is UNSET else data.slug)
    base = before.id if before.status is S.APPROVED else before.base_id
    if data.base_id is not None and data.base_id != base:
        if data.base_id != head.approved_id:
            raise await _stale(tx, head.approved_id)
        base = data.base_id
    return await _write(tx, actor, entry_id, before, words, note=data.note, draft=data.draft, base=base)


async def propose_version(tx: Tx, actor: Actor, version_id: UUID) -> EntryVersion:
    """Propose one's own draft, or once more what was rejected. Raises NOT_FOUND, FORBIDDEN, CONFLICT, STALE_ENTRY."""
    await check_author(tx, actor)
    return await _step(tx, actor, version_id, S.PENDING)


async def withdraw_version(tx: Tx, actor: Actor, version_id: UUID) -> EntryVersion:
    """Make a draft again of what one has proposed. Raises as `propose_version`."""
    return await _step(tx, actor, version_id, S.DRAFT, only_from=S.PENDING)


async def drop_version(tx: Tx, actor: Actor, version_id: UUID) -> None:
    """Throw away one's own open version; an entry that was nothing else is archived with it. Raises as above."""
    found = await access_version(tx, actor, version_id)
    check_own(actor, found)
    head = await hold_head(tx, found.entry_id)
    found = await access_version(tx, actor, version_id)
    await check_open(tx, found)
    await tx.run(
        """
        update wiki_heads set open = array_remove(open, %(version)s),
            deleted_at = case when approved_id is null and cardinality(open) <= 1 then now() end, deleted_by = %(by)s
        where entry_id = %(id)s
        """,
        {"id": head.entry_id, "version": version_id, "by": actor.id},
    )
    if found.status is S.PENDING:
        await ring_deciders(tx, actor, found)


async def check_author(tx: Tx, actor: Actor) -> None:
    """Refuse who may not propose: whoever is not of the organization, and agents of projects. Raises FORBIDDEN."""
    check_permission(actor, Permission.WIKI_PROPOSE)
    agents = [one.id for one in actor.principals if one.type is ActorType.AGENT]
    if actor.type is ActorType.SYSTEM:
        raise FORBIDDEN("A wiki entry has an author: a person or an agent.")
    if agents and await tx.value(
        "select true from agents where id = any (%(ids)s) and level <> 'organization' limit 1", {"ids": agents}
    ):
        raise FORBIDDEN(
            "Only agents of the organization propose wiki entries. An agent of a project tells one of them.",
            permission=str(Permission.WIKI_PROPOSE),
        )


def check_own(actor: Actor, version: EntryVersion) -> None:
    """Refuse whoever did not write a version. Raises FORBIDDEN."""
    if version.author.id != actor.id:
        raise FORBIDDEN(
            f"These are {version.author.name}'s words. Write a version of your own, or decide about theirs."
        )


async def check_newest(tx: Tx, version: EntryVersion) -> None:
    """Refuse a version that something has followed. Raises STALE_ENTRY with that, CONFLICT for one thrown away."""
    if version.is_open or version.is_current:
        return
    if version.status is S.APPROVED:
        raise await _stale(
            tx, await tx.value("select approved_id from wiki_heads where entry_id = %(id)s", {"id": version.entry_id})
        )
    following = await tx.value(
        """
        select id from wiki_entries where org_id = any (current_orgs()) and parent_entry_id = %(id)s
        order by version desc limit 1
        """,
        {"id": version.id},
    )
    if following is None:
        raise CONFLICT("This version was taken back: it is its author's again, or nobody's.")
    raise await _stale(tx, following)


async def check_open(tx: Tx, version: EntryVersion) -> None:
    """Refuse a version that is settled. Raises CONFLICT, STALE_ENTRY."""
    await check_newest(tx, version)
    if version.status is S.APPROVED:
        raise CONFLICT("This version is approved: write another one.", standing=str(version.status))


async def _step(
    tx: Tx, actor: Actor, version_id: UUID, status: WikiStatus, *, only_from: WikiStatus | None = None
) -> EntryVersion:
    found = await access_version(tx, actor, version_id)
    check_own(actor, found)
    await hold_head(tx, found.entry_id)
    found = await access_version(tx, actor, version_id)
    await check_open(tx, found)
    if found.status is status or (only_from is not None and found.status is not only_from):
        raise CONFLICT(f"This version is {in_words(found.status)}.", standing=str(found.status))
    made = await follow(tx, actor, found, status)
    if status is S.PENDING:
        await tell_deciders(tx, actor, made)
    return made


async def _write(
    tx: Tx,
    actor: Actor,
    entry_id: UUID,
    before: EntryVersion | None,
    words: Words,
    *,
    note: str | None,
    draft: bool,
    base: UUID | None = None,
) -> EntryVersion:
    made = await insert_version(
        tx, actor, entry_id, before, words, S.DRAFT if draft else S.PENDING, base, note=note, decides=False
    )
    if not draft:
        await tell_deciders(tx, actor, made)
    return made


async def _version_of(tx: Tx, actor: Actor, head: Head, version_id: UUID) -> EntryVersion:
    found = await access_version(tx, actor, version_id)
    if found.entry_id != head.entry_id:
        raise NOT_FOUND("This entry has no such version.")
    return found


async def _checked(
    tx: Tx, actor: Actor, title: str, content: str, category: str | None, tags: list[str], *, known: str | None = None
) -> Words:
    """What is written, in its one form. Raises INVALID. `known`: the category that the version before has."""
    line = visible_line(title)
    if not line:
        raise INVALID("Fill this in.", field="title")
    if category is not None and category != known:
        offered = (await get_organization(tx, actor.org)).settings.wiki_categories
        if category not in offered:
            hint = f"Choose one of: {', '.join(offered)}." if offered else "This organization has none."
            raise INVALID(f"There is no such category. {hint}", field="category")
    small = dict.fromkeys(word for tag in tags if (word := visible_line(tag).lower()))
    return Words(title=line, content=content.strip("\n"), category=category, tags=list(small))


async def _stale(tx: Tx, version_id: UUID | None) -> CrewhallError:
    """What is there in place of what somebody thought. A draft that followed is its author's: who asks is."""
    now = await reload_version(tx, version_id) if version_id else None
    if now is None:
        return STALE_ENTRY("This entry was changed meanwhile. Look at it anew.")
    return STALE_ENTRY(
        f"{now.author.name} has changed this entry meanwhile (version {now.version}). Look at it, then write anew.",
        current={
            "version_id": now.id,
            "version": now.version,
            "status": now.status,
            "title": now.title,
            "content": now.content,
        },
    )
