"""Incoming webhooks: made, changed, paused, rotated. Whatever one does, it does with the rights of who made it.

So its maker alone changes, resumes and rotates it; who manages agents may pause and delete it.
"""

from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET

from crewhall.agents import access_agent
from crewhall.conversations import Verb, access_conversation
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID
from crewhall.kernel.ids import new_id
from crewhall.runtime.hook_queries import get_hook
from crewhall.runtime.hook_signing import make_secret
from crewhall.runtime.schemas_hooks import Hook, HookInput, HookPatch, HookRotation, HookWithSecret
from crewhall.runtime.triggers import check_prompts
from crewhall.runtime.vocabulary import PauseReason

MOST = 500
"""Webhooks of one organization."""
_INSERT: LiteralString = """
insert into hooks (id, org_id, conversation_id, agent_id, maker_id, name, prompt, posts, created_by, updated_by)
values (%(id)s, %(org)s, %(conversation_id)s, %(agent_id)s, %(actor)s, %(name)s, %(prompt)s, %(posts)s, %(actor)s,
        %(actor)s)
"""


async def make_hook(tx: Tx, actor: Actor, base_url: str, data: HookInput) -> HookWithSecret:
    """Make a webhook with the actor's rights: a person who may write in the conversation and see the agent.

    Raises FORBIDDEN, NOT_FOUND, CONVERSATION_CLOSED, INVALID, CONFLICT (there are too many).
    """
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("Only people make webhooks: a webhook has the rights of who made it.")
    await access_conversation(tx, actor, data.conversation_id, Verb.POST)
    await _check_does(tx, actor, data.agent_id, posts=data.posts)
    if await tx.value("select count(*) from hooks where org_id = %(org)s", {"org": actor.org}) >= MOST:
        raise CONFLICT(f"The organization has {MOST} webhooks. Delete one first.")
    hook_id = new_id()
    values = msgspec.structs.asdict(data) | {"name": data.name.strip()}
    await tx.run(_INSERT, values | {"id": hook_id, "org": actor.org, "actor": actor.id})
    secret = await _add_secret(tx, actor, hook_id)
    made = await get_hook(tx, actor, base_url, hook_id)
    await _record(tx, actor, "webhook.created", made)
    return HookWithSecret(**msgspec.structs.asdict(made), secret=secret)


async def change_hook(tx: Tx, actor: Actor, base_url: str, hook_id: UUID, data: HookPatch) -> Hook:
    """Change a webhook; what another agent was silent about is forgotten. Raises NOT_FOUND, FORBIDDEN, INVALID."""
    before = await _access(tx, actor, hook_id, own=True)
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    kept = {
        "name": before.name,
        "agent_id": before.agent.id if before.agent else None,
        "prompt": before.prompt,
        "posts": before.posts,
    }
    values = kept | given
    await _check_does(tx, actor, values["agent_id"], posts=values["posts"])
    await tx.run(
        """
        update hooks set name = btrim(%(name)s), agent_id = %(agent_id)s, prompt = %(prompt)s, posts = %(posts)s,
            unanswered_reason = case when agent_id = %(agent_id)s then unanswered_reason end, updated_by = %(actor)s
        where id = %(id)s
        """,
        values | {"id": hook_id, "actor": actor.id},
    )
    changed = await get_hook(tx, actor, base_url, hook_id)
    await _record(tx, actor, "webhook.changed", changed, changed=sorted(given))
    return changed


async def rotate_secret(tx: Tx, actor: Actor, base_url: str, hook_id: UUID, rotation: HookRotation) -> HookWithSecret:
    """Give a webhook a new secret; the present one is good for the overlap, one before it for nothing any more.

    Raises NOT_FOUND, FORBIDDEN.
    """
    before = await _access(tx, actor, hook_id, own=True)
    await tx.run(
        """
        update hook_secrets set expires_at = now() + make_interval(secs => %(overlap)s)
        where hook_id = %(hook)s and (expires_at is null or expires_at > now() + make_interval(secs => %(overlap)s))
        """,
        {"hook": hook_id, "overlap": rotation.overlap_seconds},
    )
    await tx.run(
        """
        delete from hook_secrets where hook_id = %(hook)s and (expires_at <= now() or id <> (
            select id from hook_secrets where hook_id = %(hook)s order by id desc limit 1))
        """,
        {"hook": hook_id},
    )
    secret = await _add_secret(tx, actor, hook_id)
    await _record(tx, actor, "webhook.rotated", before)
    rotated = await get_hook(tx, actor, base_url, hook_id)
    return HookWithSecret(**msgspec.structs.asdict(rotated), secret=secret)


async def pause_hook(tx: Tx, actor: Actor, base_url: str, hook_id: UUID) -> Hook:
    """Let a webhook refuse every call until it is resumed. Raises NOT_FOUND, FORBIDDEN."""
    before = await _access(tx, actor, hook_id)
    if before.pause_reason is not PauseReason.BY_HAND:
        await pause(tx, hook_id, PauseReason.BY_HAND)
        await _record(tx, actor, "webhook.paused", before)
    return await get_hook(tx, actor, base_url, hook_id)


async def resume_hook(tx: Tx, actor: Actor, base_url: str, hook_id: UUID) -> Hook:
    """Let a paused webhook take calls again. Raises NOT_FOUND, FORBIDDEN, CONVERSATION_CLOSED, INVALID."""
    before = await _access(tx, actor, hook_id, own=True)
    if before.pause_reason is not None:
        place = await tx.value("select conversation_id from hooks where id = %(id)s", {"id": hook_id})
        await access_conversation(tx, actor, place, Verb.POST)
        await _check_does(tx, actor, before.agent.id if before.agent else None, posts=before.posts)
        await tx.run(
            "update hooks set pause_reason = null, updated_by = %(actor)s where id = %(id)s",
            {"id": hook_id, "actor": actor.id},
        )
        await _record(tx, actor, "webhook.resumed", before)
    return await get_hook(tx, actor, base_url, hook_id)


async def delete_hook(tx: Tx, actor: Actor, hook_id: UUID) -> None:
    """Delete a webhook with its secrets and its list of calls; what it posted stays. Raises NOT_FOUND, FORBIDDEN."""
    found = await _access(tx, actor, hook_id)
    await tx.run("delete from hooks where id = %(id)s", {"id": hook_id})
    await _record(tx, actor, "webhook.deleted", found)


async def pause(tx: Tx, hook_id: UUID, reason: PauseReason) -> None:
    """Pause a webhook for a reason; the caller has checked who may."""
    await tx.run("update hooks set pause_reason = %(why)s where id = %(id)s", {"id": hook_id, "why": str(reason)})


async def _check_does(tx: Tx, actor: Actor, agent_id: UUID | None, *, posts: bool) -> None:
    """Refuse a webhook that would do nothing, or whose agent takes no prompts or is out of the actor's sight."""
    if agent_id is not None:
        await check_prompts(tx, await access_agent(tx, actor, agent_id))
    elif not posts:
        raise INVALID(
            "A webhook posts what comes, wakes an agent, or both: let it post, or name an agent.", field="posts"
        )


async def _add_secret(tx: Tx, actor: Actor, hook_id: UUID) -> str:
    secret, raw = make_secret()
    await tx.run(
        "insert into hook_secrets (id, org_id, hook_id, secret) values (%(id)s, %(org)s, %(hook)s, %(raw)s)",
        {"id": new_id(), "org": actor.org, "hook": hook_id, "raw": raw},
    )
    return secret


async def _access(tx: Tx, actor: Actor, hook_id: UUID, *, own: bool = False) -> Hook:
    """Return a webhook that the actor may pause and delete, or (`own`) change, locked."""
    await tx.run("select from hooks where id = %(id)s for no key update", {"id": hook_id})
    found = await get_hook(tx, actor, "", hook_id)
    if own and not found.is_mine:
        raise FORBIDDEN("Only who made a webhook changes, resumes and rotates it: it has their rights. Make your own.")
    if not found.may_pause:
        raise FORBIDDEN("Only who made this webhook, and owners and admins, may pause or delete it.")
    return found


async def _record(tx: Tx, actor: Actor, action: str, hook: Hook, **details: object) -> None:
    await audit.record(tx, actor, action, "webhook", hook.id, {"name": hook.name, **details})
