"""The client library: `from crewhall.sdk import Agent, Client`. It needs no other part of Crewhall."""

from crewhall.faces.sdk.agent import Agent
from crewhall.faces.sdk.approvals import Approval, ApprovalMessage, ApprovalStanding
from crewhall.faces.sdk.client import Client
from crewhall.faces.sdk.colleagues import (
    AgentGrant,
    AgentInShort,
    AgentVersion,
    Capability,
    FieldDifference,
    ForkDifferences,
    GrantOffered,
)
from crewhall.faces.sdk.conversations import IdlePolicy, Member
from crewhall.faces.sdk.documents import Chunk, ChunkPage, Document, KnowledgeStatus, Origin
from crewhall.faces.sdk.errors import CrewhallApiError, NotReachable, SignedOut
from crewhall.faces.sdk.files import File, FileDocument, FilePolicy
from crewhall.faces.sdk.frames import Ack, Ephemeral, Event, RecordEvent, Refused, Resumed
from crewhall.faces.sdk.github import (
    GithubChange,
    GithubConnection,
    GithubDelivery,
    GithubItem,
    GithubRepository,
)
from crewhall.faces.sdk.hooks import Hook, HookCall
from crewhall.faces.sdk.imports import Import, ImportChannel, ImportCounts, LeftOut
from crewhall.faces.sdk.incoming import IncomingMessage, Post
from crewhall.faces.sdk.knowledge import Finding, Findings
from crewhall.faces.sdk.live import Live
from crewhall.faces.sdk.notifications import Level, Notification, NotificationMessage, NotificationSettings
from crewhall.faces.sdk.records import Author, Change, Delivery, Message, Record
from crewhall.faces.sdk.resources import (
    AgentInfo,
    AgentState,
    AgentTemplate,
    Conversation,
    Credential,
    Invitation,
    LetInApp,
    Me,
    Organization,
    OwnershipOffer,
    Page,
    Person,
    PersonalToken,
    QuickTask,
    SearchHit,
    TryEvent,
)
from crewhall.faces.sdk.runs import (
    ConversationRuntime,
    ConversationSummary,
    MessagePreview,
    Run,
    RunAgent,
    RunStep,
    TurnDecision,
    Woken,
)
from crewhall.faces.sdk.runtimes import AgentRuntime, RuntimeCall, RuntimeHealth
from crewhall.faces.sdk.saved import PlaceFound, PlacesFound, SavedMessage
from crewhall.faces.sdk.schedules import Schedule, TurnStarted
from crewhall.faces.sdk.sessions import InvalidSession, Session, SessionToken, verify_session
from crewhall.faces.sdk.sources import Source, SourceItem, SourceSync
from crewhall.faces.sdk.spending import Budget, Price, RateLimit, Standing, UsageRow
from crewhall.faces.sdk.tokens import Tokens, TokenStore
from crewhall.faces.sdk.tool_servers import ServerTool, ToolServer
from crewhall.faces.sdk.webhooks import InvalidWebhook, WebhookMessage, WebhookPing, WebhookTurn, verify_webhook
from crewhall.faces.sdk.wiki import WikiDifferences, WikiEntry, WikiEntryInfo, WikiVersion
from crewhall.faces.sdk.words import Command, CommandDone, Draft, DraftFile, LaterMessage

__all__ = [
    "Ack",
    "Agent",
    "AgentGrant",
    "AgentInShort",
    "AgentInfo",
    "AgentRuntime",
    "AgentState",
    "AgentTemplate",
    "AgentVersion",
    "Approval",
    "ApprovalMessage",
    "ApprovalStanding",
    "Author",
    "Budget",
    "Capability",
    "Change",
    "Chunk",
    "ChunkPage",
    "Client",
    "Command",
    "CommandDone",
    "Conversation",
    "ConversationRuntime",
    "ConversationSummary",
    "Credential",
    "CrewhallApiError",
    "Delivery",
    "Document",
    "Draft",
    "DraftFile",
    "Ephemeral",
    "Event",
    "FieldDifference",
    "File",
    "FileDocument",
    "FilePolicy",
    "Finding",
    "Findings",
    "ForkDifferences",
    "GithubChange",
    "GithubConnection",
    "GithubDelivery",
    "GithubItem",
    "GithubRepository",
    "GrantOffered",
    "Hook",
    "HookCall",
    "IdlePolicy",
    "Import",
    "ImportChannel",
    "ImportCounts",
    "IncomingMessage",
    "InvalidSession",
    "InvalidWebhook",
    "Invitation",
    "KnowledgeStatus",
    "LaterMessage",
    "LeftOut",
    "LetInApp",
    "Level",
    "Live",
    "Me",
    "Member",
    "Message",
    "MessagePreview",
    "NotReachable",
    "Notification",
    "NotificationMessage",
    "NotificationSettings",
    "Organization",
    "Origin",
    "OwnershipOffer",
    "Page",
    "Person",
    "PersonalToken",
    "PlaceFound",
    "PlacesFound",
    "Post",
    "Price",
    "QuickTask",
    "RateLimit",
    "Record",
    "RecordEvent",
    "Refused",
    "Resumed",
    "Run",
    "RunAgent",
    "RunStep",
    "RuntimeCall",
    "RuntimeHealth",
    "SavedMessage",
    "Schedule",
    "SearchHit",
    "ServerTool",
    "Session",
    "SessionToken",
    "SignedOut",
    "Source",
    "SourceItem",
    "SourceSync",
    "Standing",
    "TokenStore",
    "Tokens",
    "ToolServer",
    "TryEvent",
    "TurnDecision",
    "TurnStarted",
    "UsageRow",
    "WebhookMessage",
    "WebhookPing",
    "WebhookTurn",
    "WikiDifferences",
    "WikiEntry",
    "WikiEntryInfo",
    "WikiVersion",
    "Woken",
    "verify_session",
    "verify_webhook",
]
