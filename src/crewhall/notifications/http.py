"""Notifications over HTTP: the caller's own, of people and agents alike."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.notifications import http_devices, http_settings, queries, reading
from crewhall.notifications.schemas import Marked, Notification, ReadAll, UnreadCount
from crewhall.notifications.vocabulary import NotificationKind

Unread = Annotated[bool | None, QueryParameter(description="Only what is unread.")]
About = Annotated[UUID | None, QueryParameter(description="Only what is about this conversation.")]


@get(
    "/",
    summary="List notifications",
    description="What concerns the caller, newest first: mentions, replies, reactions, direct messages, invitations, "
    "approvals that wait. Each is shown while the caller may read what it is about, as it reads now.",
)
async def list_notifications(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    kind: FromQuery[NotificationKind | None] = None,
    unread: Unread = None,
    conversation: About = None,
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Notification]:
    """List what concerns the caller."""
    async with services.db.transaction(actor) as tx:
        return await queries.list_notifications(
            tx, actor, kind=kind, unread=bool(unread), conversation_id=conversation, after=after, limit=limit
        )


@get("/count", summary="Count unread notifications", description="Up to 100.")
async def count_notifications(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> UnreadCount:
    """Count what the caller has not read."""
    async with services.db.transaction(actor) as tx:
        return await queries.count_unread(tx)


@get("/{notification_id:uuid}", summary="Show a notification")
async def get_notification(
    notification_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Notification:
    """Show one of the caller's notifications."""
    async with services.db.transaction(actor) as tx:
        return await queries.get_notification(tx, notification_id)


@put("/{notification_id:uuid}/read", summary="Mark a notification as read")
async def mark_notification_read(
    notification_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Notification:
    """Mark one as read."""
    async with services.db.transaction(actor) as tx:
        return await reading.mark_one(tx, actor, notification_id, is_read=True)


@delete("/{notification_id:uuid}/read", summary="Mark a notification as unread", status_code=200)
async def mark_notification_unread(
    notification_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Notification:
    """Mark one as unread again, until it is opened."""
    async with services.db.transaction(actor) as tx:
        return await reading.mark_one(tx, actor, notification_id, is_read=False)


@post(
    "/read",
    summary="Mark notifications as read",
    description="All of them, or those about one conversation. Moving the read mark of a conversation does it, too, "
    "for what stands before the mark.",
    status_code=200,
)
async def mark_all_notifications_read(
    data: JSONBody[ReadAll], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Marked:
    """Mark everything, or what is about one conversation."""
    async with services.db.transaction(actor) as tx:
        return await reading.mark_all(tx, actor, data.conversation_id)


ROUTERS = [
    api_router(
        "/notifications",
        [
            list_notifications,
            count_notifications,
            get_notification,
            mark_notification_read,
            mark_notification_unread,
            mark_all_notifications_read,
            *http_settings.HANDLERS,
            *http_devices.HANDLERS,
        ],
        tags=["Notifications"],
    ),
]
