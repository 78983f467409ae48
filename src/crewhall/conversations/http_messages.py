"""Messages over HTTP: the hot path. Answers leave as the bytes that the log or the database made."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations.access import AccessCache, Verb
from crewhall.conversations.history import messages_around_json, messages_json, seq_at
from crewhall.conversations.newest import NewestPages
from crewhall.conversations.posting import Posting
from crewhall.conversations.schemas import PostMessage
from crewhall.conversations.wire import Message
from crewhall.faces.plumbing.dependencies import AnyRequest, actor_of, services_of
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID
from crewhall.kernel.paging import DEFAULT_LIMIT, Page, check_limit
from crewhall.ports.message_log import MAX_SEQ

Seq = Annotated[int | None, QueryParameter(ge=0, le=MAX_SEQ)]
Around = Annotated[
    int | None, QueryParameter(ge=0, le=MAX_SEQ, description="Half of the page up to this seq, half of it after.")
]
At = Annotated[
    datetime | None, QueryParameter(description="The page around the first message written then or later, with a zone.")
]
_PAGE = ResponseSpec(Page[Message], description="A page of messages in order of seq.", generate_examples=False)


@post(
    "/{conversation_id:uuid}/messages",
    summary="Post a message",
    description=(
        "Answers when the message is durable: 201 for a new message, 200 when the client id repeats one, shown "
        "as it is now."
    ),
    responses={200: ResponseSpec(Message, description="The message that this client id named before.")},
)
async def post_message(conversation_id: FromPath[UUID], data: JSONBody[PostMessage], request: AnyRequest) -> Message:
    """Post a message to a conversation."""
    posted = await services_of(request).part(Posting).post(actor_of(request), conversation_id, data)
    return Response(posted.message, status_code=201 if posted.is_new else 200)  # type: ignore[return-value]


@get(
    "/{conversation_id:uuid}/messages",
    summary="Read messages",
    description=(
        "Without `after` the newest page (before `before`), in order of seq, and `next` continues as `before`. With "
        "`after` the page that follows it, and `next` continues as `after`; beyond the newest it is empty. "
        "`parent` reads one thread, forward unless `before` is given. `around` a seq, or `at` a moment, is the page "
        "around a place: `next` continues as `after`, and the first item's seq as `before`."
    ),
    responses={200: _PAGE},
)
async def list_messages(
    conversation_id: FromPath[UUID],
    request: AnyRequest,
    after: Seq = None,
    before: Seq = None,
    around: Around = None,
    at: At = None,
    limit: FromQuery[int | None] = None,
    parent: FromQuery[UUID | None] = None,
) -> Response[bytes]:
    """Read a page of a conversation's history."""
    services, actor = services_of(request), actor_of(request)
    if around is not None or at is not None:
        if sum(bound is not None for bound in (after, before, around, at)) > 1:
            raise INVALID("Give one of `after`, `before`, `around` and `at`.", field="around")
        body = await read_around(services, actor, conversation_id, around or 0, at=at, limit=limit, parent=parent)
    else:
        body = await read_page(services, actor, conversation_id, after=after, before=before, limit=limit, parent=parent)
    return Response(body, media_type="application/json")


async def read_page(
    services: Services,
    actor: Actor,
    conversation_id: UUID,
    *,
    after: int | None = None,
    before: int | None = None,
    limit: int | None = None,
    parent: UUID | None = None,
) -> bytes:
    """Return a page of messages as JSON; the newest page of a busy conversation is known already."""
    access = await services.part(AccessCache).access(actor, conversation_id, Verb.READ)
    size = check_limit(limit)
    if after is not None and before is not None:
        raise INVALID("Give `after` or `before`, not both.", field="before")

    async def load() -> bytes:
        return await messages_json(
            services.db, access.org_id, conversation_id, limit=size, after=after, before=before, parent=parent
        )

    newest = after is None and before is None and parent is None and size == DEFAULT_LIMIT
    return await (services.part(NewestPages).page(conversation_id, size, load) if newest else load())


async def read_around(
    services: Services,
    actor: Actor,
    conversation_id: UUID,
    seq: int,
    *,
    at: datetime | None = None,
    limit: int | None = None,
    parent: UUID | None = None,
) -> bytes:
    """Return the page around a seq, or around a moment, as JSON."""
    access = await services.part(AccessCache).access(actor, conversation_id, Verb.READ)
    size = check_limit(limit)
    if at is not None:
        if at.tzinfo is None:
            raise INVALID("Say at which offset from UTC: 2026-11-22T09:00:00Z.", field="at")
        async with services.db.transaction(actor) as tx:
            seq = await seq_at(tx, actor, conversation_id, at)
    return await messages_around_json(services.db, access.org_id, conversation_id, seq, limit=size, parent=parent)


HANDLERS = [post_message, list_messages]
