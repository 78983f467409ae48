"""Who is told of the wiki: those who decide, of what waits for them; the author, of what was decided."""

from uuid import UUID

from crewhall.kernel import audit, events
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.knowledge.events import EntryStepTaken
from crewhall.knowledge.vocabulary import WikiStatus
from crewhall.knowledge.wiki_schemas import EntryVersion
from crewhall.notifications import NotificationKind, ring, tell

ACTS = {WikiStatus.APPROVED: "wiki_entry.approved", WikiStatus.REJECTED: "wiki_entry.rejected"}


async def tell_deciders(tx: Tx, actor: Actor, version: EntryVersion) -> None:
    """Tell owners and admins, but for the author, that a version waits; taken back once it is settled."""
    deciders = await _deciders(tx, actor, version)
    await tell(
        tx,
        deciders,
        NotificationKind.WIKI_PROPOSAL,
        org_id=actor.org,
        actor_type=version.author.type,
        actor_id=version.author.id,
        actor_name=version.author.name,
        subject_id=version.id,
        detail=version.title,
    )
    await _publish_step(tx, actor, version)


async def ring_deciders(tx: Tx, actor: Actor, version: EntryVersion) -> None:
    """Say that the inboxes of those who were told changed: what waited is settled, or taken back."""
    await ring(tx, actor.org, await _deciders(tx, actor, version))


async def tell_decision(tx: Tx, actor: Actor, version: EntryVersion) -> None:
    """Note who decided what, and tell the author, unless they decided themselves."""
    details: dict[str, object] = {"title": version.title, "entry_id": str(version.entry_id)}
    if version.reason:
        details["reason"] = version.reason
    await audit.record(tx, actor, ACTS[version.status], "wiki_entry", version.id, details)
    await _publish_step(tx, actor, version)
    if version.author.id == actor.id:
        return
    await tell(
        tx,
        [version.author.id],
        NotificationKind.WIKI_DECISION,
        org_id=actor.org,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        recipient_type=version.author.type,
        subject_id=version.id,
        detail=version.title,
    )


async def tell_move(tx: Tx, actor: Actor, version: EntryVersion) -> None:
    """Note who moved an entry from where to where."""
    moved = version.moved
    names = [one.name if one else "the whole organization" for one in ((moved.before, moved.after) if moved else ())]
    details: dict[str, object] = {"title": version.title, "entry_id": str(version.entry_id)}
    details |= dict(zip(("before", "after"), names, strict=False))
    if version.reason:
        details["reason"] = version.reason
    await audit.record(tx, actor, "wiki_entry.moved", "wiki_entry", version.id, details)


async def note_archive(tx: Tx, actor: Actor, action: str, entry_id: UUID, title: str) -> None:
    """Note in the audit log that an entry was archived or restored."""
    await audit.record(tx, actor, action, "wiki_entry", entry_id, {"title": title})


async def _publish_step(tx: Tx, actor: Actor, version: EntryVersion) -> None:
    project_id = await tx.value(
        "select project_id from wiki_heads where org_id = any (current_orgs()) and entry_id = %(id)s",
        {"id": version.entry_id},
    )
    step = EntryStepTaken(
        entry_id=version.entry_id, version_id=version.id, title=version.title, status=str(version.status),
        author_type=version.author.type, author_id=version.author.id, author_name=version.author.name,
        project_id=project_id,
    )  # fmt: skip
    await events.publish(tx, actor, step)


async def _deciders(tx: Tx, actor: Actor, version: EntryVersion) -> list[UUID]:
    found: list[UUID] = await tx.values(
        """
        select user_id from memberships
        where org_id = %(org)s and role in ('owner', 'admin') and user_id <> %(author)s order by user_id
        """,
        {"org": actor.org, "author": version.author.id},
    )
    return found
