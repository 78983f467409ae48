"""The page on which an organization settles which channels new people join."""

from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from crewhall.conversations.changes import change_conversation
from crewhall.conversations.schemas import ConversationChange
from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

Page = Response[str] | Redirect
PATH = "/settings/channels"


class DefaultChannel(Struct):
    """A channel that new people join."""

    id: UUID
    name: str
    description: str


async def _list_defaults(tx: Tx) -> list[DefaultChannel]:
    return await tx.all(
        DefaultChannel,
        """
        select id, name, description from conversations
        where org_id = any (current_orgs()) and is_default and type = 'public' and status <> 'archived'
          and deleted_at is null
        order by name <> 'general', name limit %(most)s
        """,
        {"most": MAX_LIMIT},
    )


async def _page(
    request: AnyRequest, services: Services, actor: Actor, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    check_permission(actor, Permission.CHANNELS_UPDATE)
    async with services.db.transaction(actor) as tx:
        channels = await _list_defaults(tx)
    shown = {"channels": channels, "form": form or Form()}
    return await render_in_hall("settings_channels.html", request, services, actor, status=status, **shown)


@get(PATH)
async def show_defaults(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """The channels that new people join, for owners and admins."""
    return await _page(request, services, actor)


@post(PATH)
async def add_default(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Let new people join one more channel."""
    form = await read_form(request)
    name = form.v("name").strip().removeprefix("#").lower()
    try:
        async with services.db.transaction(actor) as tx:
            check_permission(actor, Permission.CHANNELS_UPDATE)
            found = await tx.value(
                """
                select id from conversations
                where org_id = any (current_orgs()) and kind = 'channel' and type = 'public' and name = %(name)s
                  and deleted_at is null
                """,
                {"name": name},
            )
            if found is None:
                raise INVALID("There is no public channel of this name.", field="name")
            await change_conversation(tx, actor, found, ConversationChange(is_default=True))
    except CrewhallError as error:
        form.refuse(error)
        return await _page(request, services, actor, form=form, status=error.kind.status)
    return go(PATH, f"New people join #{name}.")


@post(PATH + "/{conversation_id:uuid}/drop")
async def drop_default(
    services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
) -> Redirect:
    """Let new people choose for themselves whether they join a channel."""
    async with services.db.transaction(actor) as tx:
        found = await change_conversation(tx, actor, conversation_id, ConversationChange(is_default=False))
    return go(PATH, f"New people do not join #{found.name} by themselves any more.")


HANDLERS = [show_defaults, add_default, drop_default]
