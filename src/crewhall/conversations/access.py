"""Who may do what in a conversation: the only way to a conversation for somebody.

A decision is remembered per process with the membership version it saw. Appending checks that version again inside the
log's transaction; reading trusts it until a NOTIFY says that membership changed.
"""

from collections import OrderedDict
from enum import StrEnum
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import FORBIDDEN, NOT_FOUND, CrewhallError
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import CONVERSATION_CLOSED

CHANNEL = "crewhall_members"
MAX_ENTRIES = 50_000


class Verb(StrEnum):
    """What somebody wants with a conversation."""

    READ = "read"
    POST = "post"
    MANAGE = "manage"
    MODERATE = "moderate"


class Access(msgspec.Struct, frozen=True):
    """What an actor may do in a conversation, and the membership version that says so.

    A reader is a member, too: one who reads along in a session that was shared.
    """

    conversation_id: UUID
    org_id: UUID
    kind: str
    type: str
    status: str
    name: str | None
    is_open: bool
    is_member: bool
    is_reader: bool
    is_owner: bool
    membership_version: int
    direct_agent_id: UUID | None

    @property
    def is_of_two_people(self) -> bool:
        """Whether it is a direct conversation without an agent: it belongs to both."""
        return self.kind == "direct" and self.direct_agent_id is None


ACCESS: LiteralString = """
select c.id as conversation_id, c.org_id, c.kind, c.type, c.status, c.name, h.is_open, h.membership_version,
       c.direct_agent_id, m.member_id is not null as is_member,
       coalesce(m.role = 'reader', false) as is_reader,
       coalesce(%(actor)s in (c.owner_user_id, c.owner_agent_id), false) as is_owner
from conversations c
join conversation_heads h on h.conversation_id = c.id
left join conversation_members m
  on m.conversation_id = c.id and m.member_type = %(actor_type)s and m.member_id = %(actor)s
where c.id = %(id)s and c.org_id = any (current_orgs()) and c.deleted_at is null
"""


def absent() -> CrewhallError:
    """The one answer for a conversation that is not there or not for the actor's eyes."""
    return NOT_FOUND("There is no such conversation, or it is not shared with you.")


def refusal(actor: Actor, access: Access, verb: Verb) -> CrewhallError | None:
    """Return why the actor may not, or None. What one may not read does not exist."""
    if not _may_read(actor, access):
        return absent()
    if verb is Verb.READ:
        return None
    if access.is_reader:
        return FORBIDDEN("This session is shared with you to read along. Only the person whose it is writes here.")
    if verb is Verb.MODERATE:
        if access.type == "system" and actor.type is not ActorType.SYSTEM:
            return FORBIDDEN("Only Crewhall itself writes here; what it wrote stays.")
        allowed = is_allowed(actor, Permission.MESSAGES_MODERATE)
        return None if allowed else FORBIDDEN("Only owners and admins may do this to somebody else's message.")
    if verb is Verb.MANAGE:
        allowed = access.kind != "agent" and (access.is_owner or is_allowed(actor, Permission.CHANNELS_UPDATE))
        return None if allowed else FORBIDDEN("Only this conversation's owner, or an admin, may change it.")
    if not access.is_open:
        return CONVERSATION_CLOSED("This conversation is archived: it takes no more messages until it is restored.")
    if access.type == "system" or access.kind == "agent":
        return None if actor.type is ActorType.SYSTEM else FORBIDDEN("Only Crewhall itself writes here.")
    return None if is_allowed(actor, Permission.MESSAGES_POST) else FORBIDDEN("You may read here, but not write.")


def _may_read(actor: Actor, access: Access) -> bool:
    if access.is_member or actor.type is ActorType.SYSTEM:
        return True
    if access.type == "public":
        return is_allowed(actor, Permission.ORGANIZATION_READ)
    return access.type == "system" and is_allowed(actor, Permission.CHANNELS_SYSTEM)


async def find_access(tx: Tx, actor: Actor, conversation_id: UUID) -> Access | None:
    """What the actor may do in a conversation, from the tables."""
    return await tx.find(Access, ACCESS, {"id": conversation_id, "actor": actor.id, "actor_type": str(actor.type)})


async def access_conversation(tx: Tx, actor: Actor, conversation_id: UUID, verb: Verb) -> Access:
    """Return the access, or raise NOT_FOUND (invisible), FORBIDDEN or CONVERSATION_CLOSED.

    Whoever acts for others needs the access of each of them; the actor's own is returned.
    """
    first: Access | None = None
    for principal in actor.principals:
        access = await find_access(tx, principal, conversation_id)
        if access is None:
            raise absent()
        if error := refusal(principal, access, verb):
            raise error
        first = first or access
    assert first is not None
    return first


async def has_access(tx: Tx, actor: Actor, conversation_id: UUID, verb: Verb) -> bool:
    """Tell whether `access_conversation` would let the actor."""
    try:
        await access_conversation(tx, actor, conversation_id, verb)
    except CrewhallError:
        return False
    return True


async def bump_membership(tx: Tx, conversation_id: UUID) -> None:
    """Say that membership or openness changed: appends in flight are checked anew, caches forget, sockets re-check."""
    await tx.run(
        """
        with bumped as (
            update conversation_heads set membership_version = membership_version + 1
            where conversation_id = %(id)s returning conversation_id)
        select pg_notify('crewhall_members', conversation_id::text) from bumped
        """,
        {"id": conversation_id},
    )
    tx.tell(CHANNEL, str(conversation_id))


class _Load:
    """A decision that is being read."""

    __slots__ = ("conversation_id", "is_stale")

    def __init__(self, conversation_id: UUID) -> None:
        self.conversation_id = conversation_id
        self.is_stale = False


class AccessCache:
    """Access decisions of one process, by (actor, conversation); dropped when membership or a role changes."""

    def __init__(self, db: Database, signals: Signals) -> None:
        self._db = db
        self._signals = signals
        self._entries: OrderedDict[tuple[UUID, UUID], Access] = OrderedDict()
        self._by_conversation: dict[UUID, set[UUID]] = {}
        self._loads: set[_Load] = set()
        # Both, and first: who is told by the notice (Rechecks) must not find what was true before it.
        signals.subscribe(CHANNEL, lambda payload: self.forget(UUID(payload)))
        db.hear(CHANNEL, lambda payload: self.forget(UUID(payload)))
        signals.on_lost(self.forget_all)

    async def access(self, actor: Actor, conversation_id: UUID, verb: Verb) -> Access:
        """As access_conversation, from the cache where it can."""
        for other in actor.behalf:
            await self.access(other, conversation_id, verb)
        found = self._entries.get((actor.id, conversation_id))
        if found is not None and found.org_id == actor.org_id and refusal(actor, found, verb) is None:
            return found
        # A refusal is never taken from the cache: what was granted a moment ago must hold.
        found = await self._load(actor, conversation_id)
        if error := refusal(actor, found, verb):
            raise error
        return found

    async def _load(self, actor: Actor, conversation_id: UUID) -> Access:
        """Read it from the tables; again, if membership changed meanwhile.

        Who begins to listen on what was true before a change would never be told of it.
        """
        while True:
            load = _Load(conversation_id)
            self._loads.add(load)
            try:
                async with self._db.transaction(actor) as tx:
                    found = await find_access(tx, actor, conversation_id)
            finally:
                self._loads.discard(load)
            if found is None:
                raise absent()
            if not load.is_stale:
                if self._signals.listening:
                    self._remember(actor.id, found)
                return found

    def _remember(self, actor_id: UUID, found: Access) -> None:
        self._entries[actor_id, found.conversation_id] = found
        self._by_conversation.setdefault(found.conversation_id, set()).add(actor_id)
        if len(self._entries) > MAX_ENTRIES:
            (old_actor, old_conversation), _ = self._entries.popitem(last=False)
            known = self._by_conversation[old_conversation]
            known.discard(old_actor)
            if not known:
                del self._by_conversation[old_conversation]

    def forget(self, conversation_id: UUID) -> None:
        """Forget what is known about one conversation."""
        for load in self._loads:
            load.is_stale = load.is_stale or load.conversation_id == conversation_id
        for actor_id in self._by_conversation.pop(conversation_id, ()):
            self._entries.pop((actor_id, conversation_id), None)

    def forget_all(self) -> None:
        """Forget everything: changes may have been missed."""
        for load in self._loads:
            load.is_stale = True
        self._entries.clear()
        self._by_conversation.clear()
