"""What pages say about a conversation, in words that fit its kind."""

from datetime import tzinfo

from crewhall.conversations.pages_sidebar import full_label, label_of
from crewhall.conversations.schemas import Conversation
from crewhall.conversations.vocabulary import ConversationKind, ConversationStatus, ConversationType, MemberRole
from crewhall.faces.plumbing.moments import day_and_month
from crewhall.kernel.actor import ActorType

ALONE = "Nobody else is here any more"


def within_sentence(found: Conversation) -> str:
    """What a conversation is called where a sentence speaks of it."""
    match found.kind:
        case ConversationKind.DIRECT if found.role is MemberRole.READER:
            return f"the session of {label_of(found)}"
        case ConversationKind.DIRECT if found.partner:
            return f"your conversation with {found.partner.name}"
        case ConversationKind.DIRECT:
            return "a direct conversation"
        case ConversationKind.AGENT:
            return f"the inbox of {label_of(found)}"
        case _:
            return full_label(found)


def about_title(found: Conversation) -> str:
    """The title of the page about a conversation."""
    if found.kind is ConversationKind.DIRECT and found.partner and found.role is not MemberRole.READER:
        return f"You and {found.partner.name}"
    return f"About {within_sentence(found)}"


def beginning(found: Conversation) -> str:
    """The heading above the first message."""
    match found.kind:
        case ConversationKind.DIRECT if found.role is MemberRole.READER:
            return f"The session of {label_of(found)} begins here"
        case ConversationKind.DIRECT if found.partner:
            return f"Your conversation with {found.partner.name} begins here"
        case ConversationKind.DIRECT:
            return ALONE
        case ConversationKind.GROUP:
            return f"The group “{label_of(found)}” begins here"
        case ConversationKind.AGENT:
            return f"The inbox of {label_of(found)} begins here"
        case _:
            return f"This is where {full_label(found)} begins"


def hint(found: Conversation, organization: str) -> str:
    """Who reads what is written here, below that heading."""
    ask = "" if found.status is ConversationStatus.ARCHIVED else " Mention an agent to ask it."
    match found.kind, found.type:
        case ConversationKind.DIRECT, _ if found.role is MemberRole.READER:
            return "You read along what the two of them say."
        case ConversationKind.DIRECT, _ if found.readers:
            return "Whom you share it with reads along what the two of you say."
        case ConversationKind.DIRECT, _ if found.partner and found.partner.type == "agent":
            return "What you write here stays between the two of you. It answers without being mentioned."
        case ConversationKind.DIRECT, _:
            return "What you write here stays between the two of you."
        case ConversationKind.AGENT, _:
            return "Crewhall puts here what the agent should see: mentions, replies to it, its direct conversations."
        case ConversationKind.CHANNEL, ConversationType.SYSTEM:
            return "Crewhall writes here; owners and admins read."
        case ConversationKind.CHANNEL, ConversationType.PUBLIC:
            return f"Everybody in {organization} may read along, people and agents alike.{ask}"
        case _:
            return f"Only its members see it, people and agents alike.{ask}"


def state(found: Conversation, zone: tzinfo) -> str | None:
    """What is to be known of a conversation as it stands, in the bar above it."""
    if found.role is MemberRole.READER:
        return f"{found.shared_by.name if found.shared_by else 'Somebody'} shares this session with you"
    if found.readers:
        return f"Shared with {found.readers} {'person' if found.readers == 1 else 'people'}"
    if found.status is ConversationStatus.IDLE:
        since = f"Idle since {day_and_month(found.last_active_at, zone)}"
        return f"{since}, archives itself on {day_and_month(found.archives_at, zone)}" if found.archives_at else since
    return None


def archived(found: Conversation, zone: tzinfo, *, may_restore: bool) -> str | None:
    """By whom and when a conversation was archived, where it was; who may restore it sees a button beside."""
    if found.status is not ConversationStatus.ARCHIVED:
        return None
    if found.archived_at is None or found.archived_by is None:
        return "Archived: it can be read, and takes no messages."
    day = day_and_month(found.archived_at, zone)
    by_itself = found.archived_by.type is ActorType.SYSTEM
    said = f"archived itself on {day}, as nobody had written for long" if by_itself else f"archived it on {day}"
    whose = "whoever it belongs to" if found.kind is ConversationKind.DIRECT else "its owners and admins"
    restored = "restored" if may_restore else f"restored by {'its members' if by_itself else whose}"
    return f"{'It' if by_itself else found.archived_by.name} {said}. It can be read, and {restored}."


def placeholder(found: Conversation) -> str:
    """What stands in the empty composer."""
    if found.kind is ConversationKind.DIRECT:
        along = f" ({found.readers} read{'s' if found.readers == 1 else ''} along)" if found.readers else ""
        return f"Write to {found.partner.name}{along}" if found.partner else "Write"
    return f"Write in {full_label(found)}"
