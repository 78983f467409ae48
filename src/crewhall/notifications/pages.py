"""The inbox: what concerns one, unread first, and the way to it."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import go, provide_count, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.notifications import pages_settings, queries, reading
from crewhall.notifications.schemas import Notification
from crewhall.notifications.vocabulary import NotificationKind
from crewhall.notifications.words import place_of

AnyRequest = Request[Any, Any, Any]
TABS = (
    ("", "Unread"), ("all", "All"), ("mention", "Mentions"), ("reply", "Replies"), ("direct", "Direct"),
    ("reaction", "Reactions"),
)  # fmt: skip
ELSEWHERE = {
    NotificationKind.APPROVAL: "Approvals", NotificationKind.WIKI_PROPOSAL: "Wiki",
    NotificationKind.WIKI_DECISION: "Wiki", NotificationKind.TASK_ASSIGNED: "Tasks",
    NotificationKind.TIMELINE_MENTION: "Timeline",
    NotificationKind.PROBATION: "Agents", NotificationKind.SCHEDULE: "Schedules", NotificationKind.WEBHOOK: "Webhooks",
}  # fmt: skip
"""Where that is which is in no conversation."""
SHOWN = 30


class Group(msgspec.Struct):
    """What is about one conversation, or about none."""

    conversation_id: UUID | None
    label: str
    items: list[Notification]

    @property
    def has_unread(self) -> bool:
        """Whether any of it is unread."""
        return any(not one.is_read for one in self.items)


def grouped(items: list[Notification]) -> list[Group]:
    """What is shown, by conversation; where the newest is comes first."""
    groups: dict[UUID | str, Group] = {}
    for one in items:
        place, label = one.conversation, _label(one)
        group = Group(place.id if place else None, label, [])
        groups.setdefault(place.id if place else label, group).items.append(one)
    return list(groups.values())


def _label(one: Notification) -> str:
    if one.conversation is None:
        return ELSEWHERE.get(one.kind, "Other")
    return place_of(one).removeprefix(" in ") or one.conversation.title or f"Direct, with {one.actor.name}"


@get("/inbox")
async def show_inbox(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    show: FromQuery[str] = "",
    after: FromQuery[str | None] = None,
) -> Response[str]:
    """What concerns one: the unread, everything, or one kind of it."""
    kind = next((kind for kind in NotificationKind if kind == show), None)
    async with services.db.transaction(actor) as tx:
        page = await queries.list_notifications(
            tx, actor, kind=kind, unread=show not in {"all", *NotificationKind}, after=after, limit=SHOWN
        )
    return await render_in_hall(
        "inbox.html",
        request,
        services,
        actor,
        groups=grouped(page.items),
        next=page.next,
        show=show if kind or show == "all" else "",
        tabs=TABS,
    )


@get("/inbox/{notification_id:uuid}")
async def open_notification(
    services: NamedDependency[Services], actor: NamedDependency[Actor], notification_id: FromPath[UUID]
) -> Redirect:
    """Read one, and go to what it is about."""
    async with services.db.transaction(actor) as tx:
        found = await reading.mark_one(tx, actor, notification_id, is_read=True)
    return go(found.path)


@post("/inbox/{notification_id:uuid}/read")
async def read_one(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    notification_id: FromPath[UUID],
) -> Redirect:
    """Mark one as read, or as unread again."""
    form = await read_form(request)
    async with services.db.transaction(actor) as tx:
        await reading.mark_one(tx, actor, notification_id, is_read=form.v("unread") != "true")
    return go(_back(form.v("show")))


@post("/inbox/read")
async def read_all(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Redirect:
    """Mark everything as read, or what is about one conversation."""
    form = await read_form(request)
    named = form.v("conversation")
    async with services.db.transaction(actor) as tx:
        await reading.mark_all(tx, actor, UUID(named) if named else None)
    return go(_back(form.v("show")), None if named else "All is read.")


def _back(show: str) -> str:
    return f"/inbox?show={show}" if show in {tab for tab, _ in TABS if tab} else "/inbox"


provide_count("notifications", "select unread_notifications()")
PAGES = page_router([show_inbox, open_notification, read_one, read_all, *pages_settings.HANDLERS])
