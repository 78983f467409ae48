"""What people keep of what they read, and where they may go, over HTTP."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import read_marks, saved, stars, switcher
from crewhall.conversations.http_overlays import MESSAGE
from crewhall.conversations.saved import SavedStatus
from crewhall.conversations.schemas import ReadMark, ReadState
from crewhall.conversations.schemas_reading import PlacesFound, SavedMessage, SaveMessage
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

Status = Annotated[SavedStatus, QueryParameter(description="`open`: the last saved first; `done`: the last done.")]
Typed = Annotated[
    str,
    QueryParameter(
        max_length=switcher.MAX_QUERY_LENGTH,
        description="Beginnings of words; empty: where the caller usually is.",
    ),
]
Places = Annotated[
    int | None, QueryParameter(ge=1, le=switcher.MOST_PLACES, description="Most places; 12 unless told.")
]


@post(
    "/{conversation_id:uuid}/unread",
    summary="Mark as unread",
    description="From the message with this seq on. The mark moves back only; who has not joined has none: 0.",
    status_code=200,
)
async def mark_unread(
    conversation_id: FromPath[UUID],
    data: JSONBody[ReadMark],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ReadState:
    """Move the caller's read mark back."""
    async with services.db.transaction(actor) as tx:
        return await read_marks.mark_unread(tx, actor, conversation_id, data.seq)


@post(
    "/{conversation_id:uuid}/visit",
    summary="Note a visit",
    description="A person went there: the switcher offers first where they often are. Once in five minutes counts.",
    status_code=204,
)
async def visit_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Note that the caller went to a conversation."""
    async with services.db.transaction(actor, lazily=True) as tx:
        await read_marks.visit_conversation(tx, actor, conversation_id)


@put("/{conversation_id:uuid}/star", summary="Star a conversation", status_code=204)
async def star_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Keep a conversation at the top of the caller's sidebar."""
    async with services.db.transaction(actor) as tx:
        await stars.star_conversation(tx, actor, conversation_id)


@delete("/{conversation_id:uuid}/star", summary="Take a star off")
async def unstar_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Take the caller's star off a conversation."""
    async with services.db.transaction(actor) as tx:
        await stars.unstar_conversation(tx, actor, conversation_id)


@put(
    MESSAGE + "/saved",
    summary="Save a message",
    description="For the caller alone; again, to change its note or whether they are done with it.",
)
async def save_message(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    data: JSONBody[SaveMessage | None] = None,
) -> SavedMessage:
    """Keep a message to find it again."""
    async with services.db.transaction(actor) as tx:
        return await saved.save_message(tx, actor, conversation_id, message_id, data or SaveMessage())


@delete(MESSAGE + "/saved", summary="Forget a saved message")
async def unsave_message(
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Keep a message no longer."""
    async with services.db.transaction(actor) as tx:
        await saved.unsave_message(tx, actor, conversation_id, message_id)


@get("/", summary="List saved messages", description="The caller's own, as far as they may still read them.")
async def list_saved(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    status: Status = SavedStatus.OPEN,
    conversation: FromQuery[UUID | None] = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[SavedMessage]:
    """List what the caller has saved."""
    async with services.db.transaction(actor) as tx:
        return await saved.list_saved(tx, actor, status=status, conversation_id=conversation, after=after, limit=limit)


@get(
    "/",
    summary="Find where to go",
    description=(
        "Conversations, people and agents whose names have words that begin like those typed, best first: by fit, and "
        "by how often and lately the caller was there. From three letters on messages, too."
    ),
)
async def find_places(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Typed = "",
    limit: Places = None,
) -> PlacesFound:
    """Find conversations, people, agents and messages to go to."""
    async with services.db.transaction(actor) as tx:
        return await switcher.find_places(tx, actor, q, limit=limit)


HANDLERS = [
    mark_unread,
    visit_conversation,
    star_conversation,
    unstar_conversation,
    save_message,
    unsave_message,
]
