"""Telling devices: the process that wrote a notification hands it to the push services of its reader's browsers.

Loss is allowed: everything stands in the inbox. What is sent is asked for as the person, at the moment of sending: what
they may no longer read, have read already, or what comes in their quiet hours is not sent.
"""

import asyncio
import logging
from collections import deque
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.links import path_into
from crewhall.kernel.outbound import Outbound
from crewhall.notifications.devices import push_root
from crewhall.notifications.preferences import read_preferences
from crewhall.notifications.queries import get_notification
from crewhall.notifications.schemas import Notification
from crewhall.notifications.telling import CHANNEL, Told, read_notice
from crewhall.notifications.web_push import authorization, seal, signing_key

log = logging.getLogger(__name__)
MOST_WAITING = 1000
AT_ONCE = 8
KEPT_S = 4 * 3600
"""How long a push service keeps what a device cannot be told yet."""
GONE = frozenset({401, 403, 404, 410})
"""What a push service answers about a subscription that ended, or is another server's."""


class _Device(msgspec.Struct):
    id: UUID
    endpoint: str
    public_key: bytes
    secret: bytes
    role: Role


class Pusher:
    """Tells the devices of one process's notifications."""

    def __init__(self, db: Database, base_url: str, outbound: Outbound | None = None) -> None:
        self._db = db
        self._contact = base_url if base_url.startswith("https:") else "https://crewhall.dev"
        self.outbound = outbound or Outbound(most_bytes=1024, time_s=10)
        self._waiting: deque[Told] = deque(maxlen=MOST_WAITING)
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        db.hear(CHANNEL, self._hear)

    def start(self) -> None:
        """Tell whatever is written from now on."""
        self._task = asyncio.create_task(self._run(), name="pusher")

    async def stop(self) -> None:
        """Stop; what waits is not told there."""
        if self._task is not None:
            await end_tasks([self._task])

    def _hear(self, payload: str) -> None:
        if "!" in payload:
            self._waiting.extend(told for told in read_notice(payload) if told.on_device)
            self._due.set()

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            while self._waiting:
                some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                for outcome in await asyncio.gather(*map(self.push, some), return_exceptions=True):
                    if isinstance(outcome, Exception):
                        log.warning("devices were not told", extra={"reason": str(outcome).strip()})

    async def push(self, told: Told) -> int:
        """Tell somebody's devices of one notification; gives how many took it."""
        person = Actor(type=ActorType.USER, id=told.recipient_id, org_id=told.org_id)
        async with self._db.transaction(person) as tx:
            devices = await tx.all(_Device, "select * from own_devices()")
            root = await push_root(tx)
        if not devices or told.notification_id is None:
            return 0
        person = msgspec.structs.replace(person, role=devices[0].role)
        shown = await self._shown(person, told.notification_id)
        if shown is None:
            return 0
        payload = msgspec.json.encode(payload_of(person.org, shown))
        return sum([await self._send(person, device, payload, root) for device in devices])

    async def _shown(self, person: Actor, notification_id: UUID) -> Notification | None:
        """What the person may be shown of it now; None: nothing."""
        async with self._db.transaction(person) as tx:
            if (await read_preferences(tx, person.org, person.id)).quiet_until_after(utc_now()) is not None:
                return None
            try:
                found = await get_notification(tx, notification_id)
            except CrewhallError:
                return None
        return None if found.is_read else found

    async def _send(self, person: Actor, device: _Device, payload: bytes, root: bytes) -> bool:
        try:
            answer = await self.outbound.request(
                "POST",
                device.endpoint,
                hosts=None,
                content=seal(payload, device.public_key, device.secret),
                headers={
                    "content-type": "application/octet-stream",
                    "content-encoding": "aes128gcm",
                    "authorization": authorization(signing_key(root), device.endpoint, self._contact),
                    "ttl": str(KEPT_S),
                    "urgency": "normal",
                },
                wants=lambda _: False,
            )
        except CrewhallError as error:
            log.info("a push service did not answer", extra={"device": str(device.id), "reason": error.detail})
            return False
        is_taken = answer.status in range(200, 300)
        async with self._db.transaction(person) as tx:
            if answer.status in GONE:
                await tx.run("delete from notification_devices where id = %(id)s", {"id": device.id})
            elif is_taken:
                await tx.run("update notification_devices set told_at = now() where id = %(id)s", {"id": device.id})
        return is_taken


def payload_of(org_id: UUID, one: Notification) -> dict[str, str]:
    """What the browser shows: the notification's words and where it leads, nothing else."""
    return {
        "title": one.summary,
        "body": one.message.excerpt if one.message else "",
        "path": path_into(org_id, f"/inbox/{one.id}"),
        "tag": str(one.conversation.id if one.conversation and one.kind in {"direct", "message"} else one.id),
    }
