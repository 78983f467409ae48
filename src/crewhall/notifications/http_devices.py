"""A person's devices over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page
from crewhall.notifications import devices
from crewhall.notifications.pushing import Pusher
from crewhall.notifications.schemas import Device, NewDevice, PushKey


@get(
    "/push-key",
    summary="Show the key for push subscriptions",
    description="The `applicationServerKey` with which a browser subscribes (VAPID, RFC 8292).",
)
async def get_push_key(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> PushKey:
    """Show the key that browsers subscribe with."""
    async with services.db.transaction(actor) as tx:
        return await devices.get_push_key(tx)


@get("/devices", summary="List devices", description="The caller's browsers that are told at once; at most 20.")
async def list_devices(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page[Device]:
    """List the caller's devices."""
    async with services.db.transaction(actor) as tx:
        return Page(await devices.list_devices(tx, actor))


@post(
    "/devices",
    summary="Add a device",
    description="A browser's push subscription, as its `toJSON()` gives it. It is told as long as the caller's login "
    "lasts; what it is sent only the browser can read. Adding it again renews it.",
)
async def add_device(
    data: JSONBody[NewDevice],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> Device:
    """Tell the caller on this browser."""
    outbound = services.part(Pusher).outbound
    async with services.db.transaction(actor) as tx:
        return await devices.add_device(tx, actor, outbound, data, user_agent=request.headers.get("user-agent"))


@delete("/devices/{device_id:uuid}", summary="Remove a device")
async def remove_device(
    device_id: FromPath[UUID], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Tell the caller there no more."""
    async with services.db.transaction(actor) as tx:
        await devices.remove_device(tx, actor, device_id)


HANDLERS = [get_push_key, list_devices, add_device, remove_device]
