"""Members of conversations over HTTP, and their read marks."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import handing_over, levels, members, queries, read_marks
from crewhall.conversations.schemas import Conversation, Level, LevelInput, Member, NewMember, ReadMark, ReadState
from crewhall.conversations.vocabulary import MemberType
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

Sought = Annotated[str | None, QueryParameter(description="Part of a name, a handle or an agent's code.")]


@get("/{conversation_id:uuid}/members", summary="List members")
async def list_members(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    q: Sought = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Member]:
    """List the people and agents of a conversation, in the order in which they joined."""
    async with services.db.transaction(actor) as tx:
        return await members.list_members(tx, actor, conversation_id, q=q, after=after, limit=limit)


@post(
    "/{conversation_id:uuid}/members",
    summary="Add a member",
    description="201 for a new member, 200 for one who was a member already. Whom the person of a direct session with "
    "an agent adds becomes its `reader`: they read along, and write nothing.",
    responses={200: ResponseSpec(NewMember, description="The person or agent was a member already.")},
)
async def add_member(
    conversation_id: FromPath[UUID],
    data: JSONBody[NewMember],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Response[NewMember]:
    """Make a person or agent of the organization a member."""
    async with services.db.transaction(actor) as tx:
        is_new = await members.add_member(tx, actor, conversation_id, data)
    return Response(data, status_code=201 if is_new else 200)


@delete("/{conversation_id:uuid}/members/{member_type:str}/{member_id:uuid}", summary="Remove a member")
async def remove_member(
    conversation_id: FromPath[UUID],
    member_type: FromPath[MemberType],
    member_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Take a person or agent out of a conversation."""
    async with services.db.transaction(actor) as tx:
        await members.remove_member(tx, actor, conversation_id, NewMember(member_type, member_id))


@put(
    "/{conversation_id:uuid}/owner",
    summary="Hand a conversation over",
    description="A member becomes the owner of the channel or group; who owned it stays a member.",
)
async def hand_over(
    conversation_id: FromPath[UUID],
    data: JSONBody[NewMember],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Conversation:
    """Make a member the owner."""
    async with services.db.transaction(actor) as tx:
        return await handing_over.hand_over(tx, actor, conversation_id, data)


@post("/{conversation_id:uuid}/join", summary="Join a public channel", status_code=200)
async def join_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Conversation:
    """Join a public channel: it counts unread messages from now on."""
    async with services.db.transaction(actor) as tx:
        await members.join_conversation(tx, actor, conversation_id)
        return await queries.get_conversation(tx, actor, conversation_id)


@post("/{conversation_id:uuid}/leave", summary="Leave a conversation", status_code=204)
async def leave_conversation(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Leave a conversation."""
    async with services.db.transaction(actor) as tx:
        await members.leave_conversation(tx, actor, conversation_id)


@post(
    "/{conversation_id:uuid}/read",
    summary="Mark as read",
    description="The mark moves forward only, and never past the last record. Who has not joined has none: 0.",
    status_code=200,
)
async def mark_read(
    conversation_id: FromPath[UUID],
    data: JSONBody[ReadMark],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> ReadState:
    """Move the caller's read mark forward."""
    async with services.db.transaction(actor) as tx:
        return await read_marks.mark_read(tx, actor, conversation_id, data.seq)


@get(
    "/{conversation_id:uuid}/notifications",
    summary="Show how much one is told of",
    description="`all`: each message; `mentions`: mentions and replies; `nothing`. `chosen` is null where the "
    "conversation's kind decides.",
)
async def get_level(
    conversation_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Level:
    """Show how much of a conversation the caller is told of."""
    async with services.db.transaction(actor) as tx:
        return await levels.get_level(tx, actor, conversation_id)


@put(
    "/{conversation_id:uuid}/notifications",
    summary="Set how much one is told of",
    description="Null: as the conversation's kind has it. 409 for who has not joined.",
)
async def set_level(
    conversation_id: FromPath[UUID],
    data: JSONBody[LevelInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Level:
    """Set how much of a conversation the caller is told of."""
    async with services.db.transaction(actor) as tx:
        return await levels.set_level(tx, actor, conversation_id, data.level)


HANDLERS = [
    get_level,
    set_level,
    list_members,
    add_member,
    remove_member,
    hand_over,
    join_conversation,
    leave_conversation,
    mark_read,
]
