"""What people keep for themselves, on pages: saved messages, stars, how a message read before."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup

from crewhall.conversations import saved, stars
from crewhall.conversations.messages import get_message, message_history
from crewhall.conversations.pages_pins import excerpt_of
from crewhall.conversations.saved import SavedStatus
from crewhall.conversations.schemas import ConversationRef, MessageVersion
from crewhall.conversations.schemas_reading import MAX_NOTE_LENGTH, SavedMessage, SaveMessage
from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.messages import is_long
from crewhall.faces.plumbing.pages import go, render, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.differences import Piece, differences, shortened
from crewhall.kernel.paging import decode_cursor, encode_cursor

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
VERSIONS = 50
"""So many of a message's versions at once."""


class Kept(msgspec.Struct):
    """A saved message as its row shows it."""

    saved: SavedMessage
    place: str
    excerpt: str


class Version(msgspec.Struct):
    """A version of a message and what it changed; nothing for the first."""

    version: MessageVersion
    title: list[Piece]
    text: list[Piece]
    html: Markup


@get("/saved")
async def show_saved(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    status: FromQuery[SavedStatus] = SavedStatus.OPEN,
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What the viewer has saved."""
    async with services.db.transaction(actor) as tx:
        found = await saved.list_saved(tx, actor, status=status, after=after)
    return await render_in_hall(
        "saved.html",
        request,
        services,
        actor,
        kept=[Kept(one, _place(one.conversation), excerpt_of(one.message)) for one in found.items],
        next=found.next,
        listed=str(status),
    )


def _place(conversation: ConversationRef) -> str:
    return f"#{conversation.name}" if conversation.name else conversation.title or "a direct conversation"


@post("/c/{conversation_id:uuid}/messages/{message_id:uuid}/saved")
async def save(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
) -> Redirect:
    """Keep a note beside a saved message, or say that one is done with it (or not)."""
    form = await read_form(request)
    done = form.values.get("done")
    data = SaveMessage(
        note=form.values["note"].strip()[:MAX_NOTE_LENGTH] if "note" in form.values else msgspec.UNSET,
        done=done == "true" if done else msgspec.UNSET,
    )
    async with services.db.transaction(actor) as tx:
        await saved.save_message(tx, actor, conversation_id, message_id, data)
    if done == "true":
        return go("/saved", "Done. It stands under Done from now on.")
    return go("/saved")


@post("/c/{conversation_id:uuid}/messages/{message_id:uuid}/unsave")
async def unsave(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
) -> Redirect:
    """Keep a message no longer."""
    async with services.db.transaction(actor) as tx:
        await saved.unsave_message(tx, actor, conversation_id, message_id)
    return go("/saved", "It is saved no longer.")


@post("/c/{conversation_id:uuid}/star")
async def star(
    services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
) -> Redirect:
    """Keep a conversation at the top of the sidebar."""
    async with services.db.transaction(actor) as tx:
        await stars.star_conversation(tx, actor, conversation_id)
    return go(f"/c/{conversation_id}")


@post("/c/{conversation_id:uuid}/unstar")
async def unstar(
    services: NamedDependency[Services], actor: NamedDependency[Actor], conversation_id: FromPath[UUID]
) -> Redirect:
    """Keep a conversation where the others are."""
    async with services.db.transaction(actor) as tx:
        await stars.unstar_conversation(tx, actor, conversation_id)
    return go(f"/c/{conversation_id}")


@get("/c/{conversation_id:uuid}/messages/{message_id:uuid}/history")
async def show_history(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
    after: FromQuery[str | None] = None,
) -> Page:
    """How a message read before its edits, and what each changed; a fragment for the dialog, else a page."""
    async with services.db.transaction(actor) as tx:
        message = await get_message(tx, actor, conversation_id, message_id)
        seen = (decode_cursor(after, int) or (0,))[0]
        page = await message_history(
            tx, actor, conversation_id, message_id, after=_cursor(seen - 1), limit=VERSIONS + (seen > 0)
        )
    found = page.items
    versions = [_version(before, version) for before, version in zip([None, *found], found, strict=False)]
    versions = versions[seen > 0 :]  # the one before them is asked for what the first of them changed
    shown: dict[str, Any] = {
        "versions": versions, "is_long": is_long, "message": message, "next": page.next, "has_earlier": seen > 0,
        "earlier": _cursor(seen - VERSIONS),
    }  # fmt: skip
    if request.headers.get("turbo-frame") == "versions":
        return render("parts/versions.html", request, **shown)
    return await render_in_hall("message_history.html", request, services, actor, **shown)


def _cursor(version: int) -> str | None:
    """What comes after a version; from the first, where there is none such."""
    return encode_cursor(version) if version > 0 else None


def _version(before: MessageVersion | None, version: MessageVersion) -> Version:
    html = Markup(version.html or "")  # noqa: S704 - sanitised when written
    if before is None:
        return Version(version, [], [], html)
    retitled = (before.title or "") != (version.title or "")
    return Version(
        version,
        differences(before.title or "", version.title or "") if retitled else [],
        shortened(differences(before.content, version.content)),
        html,
    )


@get("/keys")
async def show_keys(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[str]:
    """Every key that the pages know."""
    return await render_in_hall("keys.html", request, services, actor)


HANDLERS = [show_keys, show_saved, save, unsave, star, unstar, show_history]
