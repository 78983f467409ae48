"""Conversations over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import changes, http_files, http_uploads, opening, queries
from crewhall.conversations.http_file_policy import HANDLERS as FILE_POLICY
from crewhall.conversations.http_idle import HANDLERS as IDLE
from crewhall.conversations.http_members import HANDLERS as MEMBERS
from crewhall.conversations.http_messages import HANDLERS as MESSAGES
from crewhall.conversations.http_overlays import HANDLERS as OVERLAYS
from crewhall.conversations.http_reading import HANDLERS as READING
from crewhall.conversations.http_reading import find_places, list_saved
from crewhall.conversations.http_search import search_messages
from crewhall.conversations.http_words import DRAFTS, LATER
from crewhall.conversations.http_words import HANDLERS as WORDS
from crewhall.conversations.schemas import Conversation, ConversationChange, DeleteConversation, NewConversation
from crewhall.conversations.vocabulary import ConversationKind
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

Whose = Annotated[
    Literal["me", "all"], QueryParameter(description="`me`: only those joined; `all`: also public channels not joined.")
]
Status = Annotated[
    Literal["active", "idle", "archived"],
    QueryParameter(
        description="`active`: all that take messages; `idle`: groups where nobody wrote for a while, which "
        "are among them; `archived`: read-only."
    ),
]
Confirm = Annotated[
    str | None, QueryParameter(max_length=255, description="The conversation's name or title, typed again to be sure.")
]
Part = Annotated[str | None, QueryParameter(description="Part of a name or title.")]


@get("/", summary="List conversations", description="Last active first, with unread counts.")
async def list_conversations(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    kind: FromQuery[ConversationKind | None] = None,
    member: Whose = "all",
    status: Status = "active",
    q: Part = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Conversation]:
    """List the conversations within the caller's reach."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_conversations(
            tx,
            actor,
            kind=kind,
            mine=member == "me",
            archived=status == "archived",
            idle=status == "idle",
            q=q,
            after=after,
            limit=limit,
        )


@post(
    "/",
    summary="Open a conversation",
    description="A channel, a group or a direct conversation. Opening a direct one again gives the same one.",
)
async def open_conversation(
    data: JSONBody[NewConversation], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Conversation:
    """Open a conversation that the caller owns."""
    async with services.db.transaction(actor) as tx:
        return await opening.open_conversation(tx, actor, services.log, data)


@get("/{conversation_id:uuid}", summary="Show a conversation")
async def get_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Conversation:
    """Show a conversation as the caller sees it."""
    async with services.db.transaction(actor) as tx:
        return await queries.get_conversation(tx, actor, conversation_id)


@patch("/{conversation_id:uuid}", summary="Change a conversation", description="Its owner may, and admins.")
async def change_conversation(
    conversation_id: FromPath[UUID],
    data: JSONBody[ConversationChange],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Conversation:
    """Change what is given of a conversation."""
    async with services.db.transaction(actor) as tx:
        return await changes.change_conversation(tx, actor, conversation_id, data)


@delete(
    "/{conversation_id:uuid}",
    summary="Delete a conversation",
    description=(
        "For everybody. Its name (or title; empty where it has none) is typed again as `confirm`: in the query or a "
        "body, which wins; some clients drop the body of a DELETE."
    ),
)
async def delete_conversation(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    data: JSONBody[DeleteConversation | None] = None,
    confirm: Confirm = None,
) -> None:
    """Delete a conversation and retire its topic."""
    typed = data.confirm if data is not None else confirm
    async with services.db.transaction(actor) as tx:
        await changes.delete_conversation(tx, actor, services.log, conversation_id, typed)


@put("/{conversation_id:uuid}/archive", summary="Archive a conversation", description="It becomes read-only.")
async def archive_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Conversation:
    """Make a conversation read-only until it is restored."""
    async with services.db.transaction(actor) as tx:
        return await changes.archive_conversation(tx, actor, services.log, conversation_id)


@delete(
    "/{conversation_id:uuid}/archive",
    summary="Restore an archived conversation",
    description="Its owner may, and admins; a group that archived itself every member.",
    status_code=200,
)
async def restore_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Conversation:
    """Let an archived conversation take messages again."""
    async with services.db.transaction(actor) as tx:
        return await changes.restore_conversation(tx, actor, services.log, conversation_id)


HANDLERS = [
    list_conversations,
    open_conversation,
    get_conversation,
    change_conversation,
    delete_conversation,
    archive_conversation,
    restore_conversation,
]
ROUTERS = [
    api_router("/conversations", [*HANDLERS, *MEMBERS, *MESSAGES, *OVERLAYS, *READING, *WORDS], tags=["Conversations"]),
    api_router("/conversations", [*http_files.OF_CONVERSATIONS, *http_uploads.OF_CONVERSATIONS], tags=["Files"]),
    api_router("/files", http_files.HANDLERS, tags=["Files"]),
    api_router("/uploads", http_uploads.HANDLERS, tags=["Files"]),
    api_router("/idle-policy", IDLE, tags=["Conversations"]),
    api_router("/file-policy", FILE_POLICY, tags=["Files"]),
    api_router("/drafts", DRAFTS, tags=["Drafts"]),
    api_router("/later", LATER, tags=["Later"]),
    api_router("/search", [search_messages], tags=["Conversations"]),
    api_router("/saved", [list_saved], tags=["Conversations"]),
    api_router("/switcher", [find_places], tags=["Conversations"]),
]
