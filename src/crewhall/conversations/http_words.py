"""What is not said yet, over HTTP: drafts, later messages, commands."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.conversations import draft_files, drafts, later
from crewhall.conversations.commands import Commands
from crewhall.conversations.later_clock import send_now
from crewhall.conversations.posting import Posting
from crewhall.conversations.schemas_commands import Command, CommandDone, CommandLine
from crewhall.conversations.schemas_words import Draft, DraftInput, DraftState, LaterInput, LaterMessage, LaterPatch
from crewhall.conversations.wire import Message
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page

There = Annotated[UUID | None, QueryParameter(description="Only in this conversation.")]
Thread = Annotated[UUID | None, QueryParameter(description="The first message of a thread: what is begun there.")]
Read = Annotated[int | None, QueryParameter(ge=0, le=2**63 - 1, description="Only this version.")]


@get(
    "/",
    summary="List drafts",
    description="The caller's own, the last written first, with the `files` that hang on each; those of files alone "
    "(version 0), too.",
)
async def list_drafts(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation: There = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Draft]:
    """List what the caller has begun to write."""
    async with services.db.transaction(actor) as tx:
        return await drafts.list_drafts(tx, actor, conversation_id=conversation, after=after, limit=limit)


@get(
    "/{conversation_id:uuid}/draft",
    summary="Show a draft",
    description="What the caller has begun to write there; version 0: nothing.",
)
async def show_draft(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    parent: Thread = None,
) -> DraftState:
    """Show what the caller has begun to write at one place."""
    async with services.db.transaction(actor) as tx:
        return await drafts.show_draft(tx, actor, conversation_id, parent)


@put(
    "/{conversation_id:uuid}/draft",
    summary="Save a draft",
    description="As a whole; one for each conversation and thread. 409 `stale_draft`, with what is there, when it is "
    "another version by now. Without content and title it is thrown away.",
)
async def save_draft(
    conversation_id: FromPath[UUID],
    data: JSONBody[DraftInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> DraftState:
    """Keep what the caller has begun to write."""
    async with services.db.transaction(actor) as tx:
        return await drafts.save_draft(tx, actor, conversation_id, data)


@delete(
    "/{conversation_id:uuid}/draft",
    summary="Throw a draft away",
    description="With a version its words alone, and only those: 409 `stale_draft` when it is another by now. Without, "
    "what hangs on it as well.",
)
async def drop_draft(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    parent: Thread = None,
    version: Read = None,
) -> None:
    """Throw away what the caller has begun to write."""
    async with services.db.transaction(actor) as tx:
        if version is None:
            await drafts.throw_away(tx, actor, conversation_id, parent)
        else:
            await drafts.drop_draft(tx, actor, conversation_id, parent, version=version)


@put(
    "/{conversation_id:uuid}/draft/files/{file_id:uuid}",
    status_code=204,
    summary="Let an upload hang on a draft",
    description="It is there on every device, and kept for 30 days; `DELETE /files/{id}` takes it away. One that was "
    "sent meanwhile is left alone.",
)
async def hang_on_draft(
    conversation_id: FromPath[UUID],
    file_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    parent: Thread = None,
) -> None:
    """Keep an upload with what the caller has begun to write."""
    async with services.db.transaction(actor) as tx:
        drafts.check_writer(actor, "keep drafts")
        await draft_files.hang_on_draft(tx, actor, conversation_id, file_id, parent)


@get("/", summary="List later messages", description="The caller's own in order of their moments, refused ones too.")
async def list_later(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation: There = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[LaterMessage]:
    """List what is to be posted later."""
    async with services.db.transaction(actor) as tx:
        return await later.list_later(tx, actor, conversation_id=conversation, after=after, limit=limit)


@post(
    "/",
    summary="Post a message later",
    description="By people who may write there. It is posted once, at its moment, with the rights that its writer has "
    "then; refused, it is kept with the reason. Its client id is `later:` and its id.",
)
async def make_later(
    data: JSONBody[LaterInput], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> LaterMessage:
    """Keep a message for its moment."""
    async with services.db.transaction(actor) as tx:
        return await later.make_later(tx, actor, data)


@get("/{later_id:uuid}", summary="Show a later message", description="404 as soon as it is posted.")
async def get_later(
    later_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> LaterMessage:
    """Show a later message of the caller."""
    async with services.db.transaction(actor) as tx:
        return await later.get_later(tx, actor, later_id)


@patch(
    "/{later_id:uuid}",
    summary="Change a later message",
    description="Its words or its moment; what is left out stays. A new moment lets a refused one wait again.",
)
async def change_later(
    later_id: FromPath[UUID],
    data: JSONBody[LaterPatch],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> LaterMessage:
    """Change a later message."""
    async with services.db.transaction(actor) as tx:
        return await later.change_later(tx, actor, later_id, data)


@delete("/{later_id:uuid}", summary="Throw a later message away")
async def cancel_later(
    later_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Let a later message never be posted."""
    async with services.db.transaction(actor) as tx:
        await later.cancel_later(tx, actor, later_id)


@post("/{later_id:uuid}/send", summary="Post a later message now", status_code=200)
async def send_later(
    later_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Message:
    """Post a later message before its moment."""
    return (await send_now(services.db, services.part(Posting), actor, later_id)).message


@get(
    "/{conversation_id:uuid}/commands",
    summary="List commands",
    description="What a line with `/name` does there: built-in ones, and the quick tasks of agents that are members.",
)
async def list_commands(
    conversation_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    parent: Thread = None,
) -> Page[Command]:
    """List the commands of a conversation, or of a thread in it."""
    return Page(await services.part(Commands).offered(actor, conversation_id, parent))


@post(
    "/{conversation_id:uuid}/commands",
    summary="Carry out a command",
    description="404 when there is no such command there: the line is an ordinary message, then.",
    status_code=200,
)
async def carry_out_command(
    conversation_id: FromPath[UUID],
    data: JSONBody[CommandLine],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> CommandDone:
    """Do what a line says."""
    return await services.part(Commands).carry_out(actor, conversation_id, data)


HANDLERS = [show_draft, save_draft, drop_draft, hang_on_draft, list_commands, carry_out_command]
DRAFTS = [list_drafts]
LATER = [list_later, make_later, get_later, change_later, cancel_later, send_later]
