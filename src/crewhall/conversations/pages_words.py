"""What pages say about a conversation, in words that fit its kind."""

from crewhall.conversations.pages_sidebar import full_label, label_of
from crewhall.conversations.schemas import Conversation
from crewhall.conversations.vocabulary import ConversationKind, ConversationType

ALONE = "Nobody else is here any more"


def within_sentence(found: Conversation) -> str:
    """What a conversation is called where a sentence speaks of it."""
    match found.kind:
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
    if found.kind is ConversationKind.DIRECT and found.partner:
        return f"You and {found.partner.name}"
    return f"About {within_sentence(found)}"


def beginning(found: Conversation) -> str:
    """The heading above the first message."""
    match found.kind:
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
    match found.kind, found.type:
        case ConversationKind.DIRECT, _ if found.partner and found.partner.type == "agent":
            return "What you write here stays between the two of you. It answers without being mentioned."
        case ConversationKind.DIRECT, _:
            return "What you write here stays between the two of you."
        case ConversationKind.AGENT, _:
            return "Crewhall puts here what the agent should see: mentions, replies to it, its direct conversations."
        case ConversationKind.CHANNEL, ConversationType.SYSTEM:
            return "Crewhall writes here; owners and admins read."
        case ConversationKind.CHANNEL, ConversationType.PUBLIC:
            return f"Everybody in {organization} may read along, people and agents alike. Mention an agent to ask it."
        case _:
            return "Only its members see it, people and agents alike. Mention an agent to ask it."


def placeholder(found: Conversation) -> str:
    """What stands in the empty composer."""
    if found.kind is ConversationKind.DIRECT:
        return f"Write to {found.partner.name}" if found.partner else "Write"
    return f"Write in {full_label(found)}"
