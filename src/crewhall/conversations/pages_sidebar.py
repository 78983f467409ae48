"""What the sidebar of every page shows: one's conversations with their unread counts, the agents, the organizations."""

from uuid import UUID

import msgspec

from crewhall.agents import Agent, AgentStatus, list_agents
from crewhall.conversations.later import count_refused
from crewhall.conversations.queries import list_conversations
from crewhall.conversations.schemas import Conversation
from crewhall.conversations.vocabulary import ConversationKind, ConversationStatus, ConversationType, NotificationLevel
from crewhall.faces.plumbing.pages import count_waiting, provide_sidebar
from crewhall.faces.plumbing.services import Services
from crewhall.identity import (
    Founders,
    IdentitySettings,
    Organization,
    Permission,
    is_allowed,
    list_organizations,
    view_organization,
)
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.paging import MAX_LIMIT

MOST_ORGANIZATIONS, MOST_DIRECTS, MOST_AGENTS = 20, 30, 30
_ICONS = {ConversationType.PRIVATE: "lock", ConversationType.SYSTEM: "shield", ConversationType.PUBLIC: "channel"}


class Other(msgspec.Struct, frozen=True):
    """The other one of a direct conversation."""

    type: str
    id: UUID
    name: str
    presence: str | None


class Entry(msgspec.Struct, frozen=True):
    """A conversation as the sidebar names it."""

    id: UUID
    label: str
    icon: str
    unread: int
    last_seq: int
    other: Other | None
    is_muted: bool = False
    is_quiet: bool = False
    """Somebody else has opened it, and nothing is said there yet: it shows once something is."""


class AgentEntry(msgspec.Struct, frozen=True):
    """An agent as the sidebar names it."""

    id: UUID
    name: str
    presence: str


class Sidebar(msgspec.Struct):
    """All that the sidebar shows: `waiting` calls are the viewer's to decide, `told` notifications are unread.

    `has_more_organizations`: a page of its own has them all, and knows better who `may_found` another.
    """

    organization: Organization
    locale: str
    organizations: list[Organization]
    has_more_organizations: bool
    may_found: bool
    starred: list[Entry]
    channels: list[Entry]
    directs: list[Entry]
    agents: list[AgentEntry]
    known_agents: list[Agent]
    conversations: list[Conversation]
    may_read_settings: bool
    waiting: int
    told: int
    refused: int
    """Later messages of the viewer's that were refused."""
    reviews: int
    """Wiki entries that wait for the viewer's decision."""

    def find(self, conversation_id: UUID) -> Conversation | None:
        """The conversation, when it is among those shown."""
        return next((found for found in self.conversations if found.id == conversation_id), None)

    def find_agent(self, agent_id: UUID) -> Agent | None:
        """The agent, when it is among those that the viewer may see."""
        return next((found for found in self.known_agents if found.id == agent_id), None)


async def load_sidebar(tx: Tx, actor: Actor, settings: IdentitySettings) -> Sidebar:
    """Read the sidebar, in the page's own transaction."""
    organization = await view_organization(tx, actor)
    organizations = await list_organizations(tx, limit=MOST_ORGANIZATIONS)
    known = (await list_conversations(tx, actor, near=True, sessions=False, limit=MAX_LIMIT)).items
    agents = (await list_agents(tx, actor, limit=MAX_LIMIT)).items
    waiting = await count_waiting(tx, actor)
    presence = {agent.id: str(agent.presence) for agent in agents}
    starred = [found for found in known if found.is_starred]
    shown = [found for found in known if _is_shown(found) and not found.is_starred]
    channels = [found for found in shown if found.kind is ConversationKind.CHANNEL]
    others = [found for found in shown if found.kind is not ConversationKind.CHANNEL]
    directs = [found for found in others if not is_quiet(found, actor)][:MOST_DIRECTS]
    quiet = [found for found in others if is_quiet(found, actor)][:MOST_DIRECTS]
    return Sidebar(
        organization=organization,
        locale=organization.viewer_locale,
        organizations=[organization, *(one for one in organizations.items if one.id != organization.id)],
        has_more_organizations=organizations.next is not None,
        may_found=settings.founders is Founders.EVERYONE or any(one.role == "owner" for one in organizations.items),
        starred=[entry_of(found, presence) for found in sorted(starred, key=label_of)],
        channels=[entry_of(found, presence) for found in sorted(channels, key=_channel_order)],
        directs=[entry_of(found, presence) for found in directs]
        + [msgspec.structs.replace(entry_of(found, presence), is_quiet=True) for found in quiet],
        agents=[
            AgentEntry(agent.id, agent.name, str(agent.presence))
            for agent in agents
            if agent.status is not AgentStatus.TERMINATED
        ][:MOST_AGENTS],
        known_agents=agents,
        conversations=known,
        may_read_settings=is_allowed(actor, Permission.SETTINGS_READ),
        waiting=waiting.get("approvals", 0),
        told=waiting.get("notifications", 0),
        refused=await count_refused(tx, actor),
        reviews=waiting.get("wiki", 0),
    )


def _is_shown(found: Conversation) -> bool:
    return found.kind is not ConversationKind.AGENT and (found.is_member or found.type is ConversationType.SYSTEM)


def is_quiet(found: Conversation, actor: Actor) -> bool:
    """Whether somebody else opened this direct conversation, and has written nothing yet."""
    return found.kind is ConversationKind.DIRECT and not found.message_count and found.owner.id != actor.id


def _channel_order(found: Conversation) -> tuple[bool, bool, str]:
    """#general leads, what Crewhall itself writes comes last, the rest by name."""
    return found.type is ConversationType.SYSTEM, found.name != "general", found.name or ""


def entry_of(found: Conversation, presence: dict[UUID, str]) -> Entry:
    """A conversation with the name and sign that a reader knows it by."""
    partner = found.partner
    other = Other(str(partner.type), partner.id, partner.name, presence.get(partner.id)) if partner else None
    return Entry(found.id, label_of(found), icon_of(found), found.unread, found.last_seq, other, is_muted(found))


def is_muted(found: Conversation) -> bool:
    """Whether the viewer wants to be told of nothing there."""
    return found.notification_level is NotificationLevel.NOTHING


def label_of(found: Conversation) -> str:
    """What a conversation is called where a sign stands before it."""
    if found.kind is ConversationKind.DIRECT:
        name = found.partner.name if found.partner else "Only you"
        if found.shared_by:
            name = f"{name} with {found.shared_by.name}"
        return f"{name}: {found.title}" if found.title else name
    return found.name or found.title or "Untitled"


def full_label(found: Conversation) -> str:
    """What a conversation is called within a sentence."""
    return f"#{found.name}" if found.kind is ConversationKind.CHANNEL else label_of(found)


def icon_of(found: Conversation) -> str:
    """The sign of a conversation."""
    return _ICONS[found.type] if found.kind is ConversationKind.CHANNEL else "group"


def is_open(found: Conversation) -> bool:
    """Whether people may write there."""
    return found.status is not ConversationStatus.ARCHIVED and found.type is not ConversationType.SYSTEM


async def _sidebar(services: Services, actor: Actor) -> Sidebar:
    async with services.db.transaction(actor) as tx:
        return await load_sidebar(tx, actor, services.settings_of(IdentitySettings))


provide_sidebar(_sidebar)
