"""How a conversation stands for who looks at it: its bar, where one writes or why one cannot, the sidebar beside it."""

from datetime import tzinfo
from uuid import UUID

import msgspec

from crewhall.agents import Agent, QuickTask, list_quick_tasks
from crewhall.conversations import pages_words
from crewhall.conversations.access import Access, Verb, refusal
from crewhall.conversations.changes import may_restore
from crewhall.conversations.drafts import find_draft
from crewhall.conversations.pages_sidebar import Other, Sidebar, icon_of, label_of, load_sidebar
from crewhall.conversations.pages_stream import Stream
from crewhall.conversations.queries import get_conversation
from crewhall.conversations.schemas import Conversation
from crewhall.conversations.schemas_words import DraftState
from crewhall.conversations.vocabulary import ConversationStatus, ConversationType, MemberRole
from crewhall.faces.plumbing.services import Services
from crewhall.identity import IdentitySettings, Permission, is_allowed
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError


class Composer(msgspec.Struct):
    """Where one writes, or why one cannot."""

    conversation_id: UUID
    placeholder: str
    parent_id: UUID | None = None
    closed: str | None = None
    may_join: bool = False
    may_restore: bool = False
    wakes: bool = False
    """Whether what is written concerns an agent though it names none: a direct conversation with one, or the policy."""
    tasks: list[QuickTask] = []
    """What the agent of a direct conversation is often asked."""
    draft: DraftState = msgspec.field(default_factory=DraftState)
    """What the viewer has begun to write there."""

    @property
    def files(self) -> str:
        """What hangs on it, as JSON."""
        return msgspec.json.encode(self.draft.files).decode()


class Head(msgspec.Struct):
    """What the page says about its conversation."""

    id: UUID
    label: str
    icon: str
    description: str
    state: str | None
    """That it is idle, or shared."""
    other: Other | None
    beginning: str
    hint: str
    is_first: bool
    last_seq: int
    read_seq: int | None
    may_moderate: bool
    may_pin: bool
    may_join: bool
    level: str | None
    is_starred: bool
    missed: str | None = None
    """How many messages the viewer has not read, when the first of them stands further up than the page goes."""


class Surroundings(msgspec.Struct):
    """How a conversation stands for its viewer: what its page shows around the messages."""

    access: Access
    sidebar: Sidebar
    conversation: Conversation
    composer: Composer

    def find_agent(self) -> Agent | None:
        """The agent of a direct conversation, when the viewer may see it."""
        partner = self.conversation.partner
        return self.sidebar.find_agent(partner.id) if partner else None


async def load_surroundings(services: Services, actor: Actor, access: Access, zone: tzinfo) -> Surroundings:
    """Read it, in one transaction."""
    async with services.db.transaction(actor) as tx:
        sidebar = await load_sidebar(tx, actor, services.settings_of(IdentitySettings))
        conversation = sidebar.find(access.conversation_id) or await get_conversation(tx, actor, access.conversation_id)
        tasks = await _tasks(tx, actor, access)
        restores = conversation.status is ConversationStatus.ARCHIVED and await may_restore(tx, actor, access)
        draft = await find_draft(tx, actor, access.conversation_id)
    access = _as_it_is_now(access, conversation)
    composer = composer_of(
        actor,
        access,
        pages_words.placeholder(conversation),
        draft,
        wakes=_wakes(conversation),
        tasks=tasks,
    )
    composer.may_restore = restores
    composer.closed = pages_words.archived(conversation, zone, may_restore=restores) or composer.closed
    return Surroundings(access, sidebar, conversation, composer)


def _as_it_is_now(access: Access, conversation: Conversation) -> Access:
    """The access with what was read a moment ago: the cache may not have heard yet of an archiving or a joining."""
    is_open = conversation.status is not ConversationStatus.ARCHIVED
    return msgspec.structs.replace(
        access, is_open=is_open, is_member=conversation.is_member, is_reader=conversation.role is MemberRole.READER
    )


def _wakes(conversation: Conversation) -> bool:
    partner = conversation.partner
    return conversation.agent_policy.auto_trigger or (partner is not None and partner.type is ActorType.AGENT)


async def _tasks(tx: Tx, actor: Actor, access: Access) -> list[QuickTask]:
    """What the agent of a direct conversation is often asked; nothing where it is out of sight by now."""
    if access.kind != "direct" or access.direct_agent_id is None:
        return []
    try:
        return [task for task in await list_quick_tasks(tx, actor, access.direct_agent_id) if task.enabled]
    except CrewhallError:
        return []


def composer_of(
    actor: Actor,
    access: Access,
    placeholder: str,
    draft: DraftState,
    parent_id: UUID | None = None,
    *,
    wakes: bool = False,
    tasks: list[QuickTask] | None = None,
) -> Composer:
    """The composer of the conversation, or of a thread in it, as the actor may use it."""
    refused = refusal(actor, access, Verb.POST)
    may_join = access.type == ConversationType.PUBLIC and not access.is_member
    return Composer(
        access.conversation_id,
        placeholder,
        parent_id,
        closed=refused.detail if refused else None,
        may_join=may_join,
        wakes=wakes,
        tasks=tasks or [],
        draft=draft,
    )


def head_of(actor: Actor, surroundings: Surroundings, zone: tzinfo, found: Stream | None = None) -> Head:
    """What the page says about its conversation; with the messages that it shows, where it shows them."""
    sidebar, conversation = surroundings.sidebar, surroundings.conversation
    last_seq = found.last_seq if found else conversation.last_seq
    other = next((entry.other for entry in [*sidebar.starred, *sidebar.directs] if entry.id == conversation.id), None)
    return Head(
        id=conversation.id,
        label=label_of(conversation),
        icon=icon_of(conversation),
        description=conversation.description,
        state=pages_words.state(conversation, zone),
        other=other,
        beginning=pages_words.beginning(conversation),
        hint=pages_words.hint(conversation, sidebar.organization.name),
        is_first=not (sidebar.agents and last_seq)
        and conversation.type is ConversationType.PUBLIC
        and is_allowed(actor, Permission.AGENTS_CREATE),
        # What is between a page far up and the newest is read when the reader comes there, never sent live.
        last_seq=max(last_seq, conversation.last_seq) if found and found.has_newer else last_seq,
        read_seq=conversation.last_read_seq if conversation.is_member else None,
        may_moderate=is_allowed(actor, Permission.MESSAGES_MODERATE) and conversation.role is not MemberRole.READER,
        may_pin=is_allowed(actor, Permission.MESSAGES_PIN) and conversation.role is not MemberRole.READER,
        may_join=not conversation.is_member and conversation.type is ConversationType.PUBLIC,
        level=str(conversation.notification_level) if conversation.is_member else None,
        is_starred=conversation.is_starred,
        missed=_missed(conversation, found) if found else None,
    )


def _missed(conversation: Conversation, found: Stream) -> str | None:
    """How many messages are unread, when the first of them stands further up than the page goes."""
    if not conversation.unread or found.has_newer or not found.has_older:
        return None
    if found.messages[0].seq <= conversation.last_read_seq + 1:
        return None
    return f"{conversation.unread}{'+' if conversation.unread_capped else ''}"
