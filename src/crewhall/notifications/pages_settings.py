"""Pages of how one is told: quiet hours, digests, and their end by one click from a mail."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render, render_in_hall, told_zone
from crewhall.faces.plumbing.services import Services
from crewhall.identity import device_name
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.notifications.devices import list_devices, remove_device
from crewhall.notifications.preferences import change_settings, get_settings
from crewhall.notifications.schemas import Device, NotificationSettingsChange
from crewhall.notifications.unsubscribing import check_token, unsubscribe
from crewhall.notifications.vocabulary import DigestChoice

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
DIGESTS = [
    (DigestChoice.OFF, "Never"), (DigestChoice.DAILY, "Once a day"), (DigestChoice.AWAY, "When I have been away"),
]  # fmt: skip
AWAY = [(15, "15 minutes"), (60, "an hour"), (240, "4 hours"), (720, "12 hours"), (1440, "a day")]


async def _settings_page(
    request: AnyRequest, services: Services, actor: Actor, form: Form | None = None, *, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        settings = await get_settings(tx, actor)
        devices = await list_devices(tx, actor)
    away = AWAY if any(minutes == settings.away_minutes for minutes, _ in AWAY) else [
        *AWAY, (settings.away_minutes, f"{settings.away_minutes} minutes"),
    ]  # fmt: skip
    return await render_in_hall(
        "settings_notifications.html",
        request,
        services,
        actor,
        status=status,
        settings=settings,
        here=told_zone(request),
        digests=DIGESTS,
        away=away,
        devices=[_named(device) for device in devices],
        form=form or Form(),
    )


class ShownDevice(Device):
    """A device as its owner recognises it."""

    name: str


def _named(device: Device) -> ShownDevice:
    return ShownDevice(**msgspec.structs.asdict(device), name=device_name(device.user_agent))


@post("/settings/notifications/devices/{device_id:uuid}/remove")
async def remove(
    services: NamedDependency[Services], actor: NamedDependency[Actor], device_id: FromPath[UUID]
) -> Redirect:
    """Tell a device no more."""
    async with services.db.transaction(actor) as tx:
        await remove_device(tx, actor, device_id)
    return go("/settings/notifications", "That device is told no more.")


@get("/settings/notifications")
async def show_settings(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """How one is told."""
    return await _settings_page(request, services, actor)


@post("/settings/notifications")
async def save_settings(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Change quiet hours and digests."""
    form = await read_form(request)
    try:
        quiet = form.read_all(NotificationSettingsChange, "quiet_from", "quiet_until")
        change = form.read(NotificationSettingsChange, "digest", "daily_at", "away_minutes")
        change.quiet_from, change.quiet_until = quiet.quiet_from, quiet.quiet_until
        async with services.db.transaction(actor) as tx:
            await change_settings(tx, actor, change)
    except CrewhallError as error:
        form.refuse(error)
        return await _settings_page(request, services, actor, form, status=error.kind.status)
    return go("/settings/notifications", "Saved.")


@get("/unsubscribe/{token:str}")
async def ask_unsubscribe(
    request: AnyRequest, services: NamedDependency[Services], token: FromPath[str]
) -> Response[str]:
    """Ask before digests end: programs that look into mails open their links."""
    await check_token(services.db, token)
    return render("unsubscribe.html", request, token=token, is_done=False)


@post("/unsubscribe/{token:str}", status_code=200)
async def end_by_click(request: AnyRequest, services: NamedDependency[Services], token: FromPath[str]) -> Response[str]:
    """End digests: from the page, or by a mail program on its own (RFC 8058)."""
    await unsubscribe(services.db, token)
    return render("unsubscribe.html", request, token=token, is_done=True)


HANDLERS = [show_settings, save_settings, remove, ask_unsubscribe, end_by_click]
