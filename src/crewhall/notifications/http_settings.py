"""A person's own choices over HTTP."""

from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.notifications import preferences
from crewhall.notifications.schemas import NotificationSettings, NotificationSettingsChange


@get(
    "/settings",
    summary="Show how one is told",
    description="Quiet hours and digests, in this organization, by the wall clock of the person's timezone.",
)
async def show_notification_settings(
    services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> NotificationSettings:
    """Show the caller's quiet hours and digests."""
    async with services.db.transaction(actor) as tx:
        return await preferences.get_settings(tx, actor)


@patch(
    "/settings",
    summary="Change how one is told",
    description="In quiet hours devices stay silent and digests wait. `daily` sends what is unread once a day, `away` "
    "once the person has not been seen for `away_minutes`; nothing is sent where nothing is unread.",
)
async def change_notification_settings(
    data: JSONBody[NotificationSettingsChange], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> NotificationSettings:
    """Change the caller's quiet hours and digests."""
    async with services.db.transaction(actor) as tx:
        return await preferences.change_settings(tx, actor, data)


HANDLERS = [show_notification_settings, change_notification_settings]
