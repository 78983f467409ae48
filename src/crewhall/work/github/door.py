"""Where GitHub's webhooks come in: verified, kept, and answered at once. Nothing of them is read before.

Whoever calls without a right learns nothing: an unknown connection and a bad signature are one refusal. Deliveries that
come while one transaction of their connection is under way are kept together in the next.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.errors import MALFORMED, TOO_LARGE, CrewhallError, define_error
from crewhall.kernel.ids import new_id
from crewhall.kernel.signals import Signals
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.schemas import Taken
from crewhall.work.github.signing import HEADER, is_signed

GITHUB_HOOK_REFUSED = define_error("github_hook_refused", 401, "The delivery is refused")
DOOR_CHANNEL = "crewhall_github_door"
"""Notices that a connection changed: what is known of it is forgotten."""
DELIVERIES = "crewhall_github_deliveries"
"""Notices that deliveries came."""
MOST_AT_ONCE, MOST_BYTES_AT_ONCE = 100, 8 * 1024 * 1024
MOST_DOORS = 1000
_DELIVERY = re.compile(r"[\x21-\x7e]{1,128}\Z")
_EVENT = re.compile(r"[a-z0-9_]{1,100}\Z")
_KEEP: LiteralString = """
insert into github_deliveries (id, org_id, connection_id, delivery, event, body, is_form)
select given.id, %(org)s, %(connection)s, given.delivery, given.event, given.body, given.is_form
from unnest(%(ids)s::uuid[], %(deliveries)s::text[], %(events)s::text[], %(bodies)s::bytea[], %(forms)s::boolean[])
    as given (id, delivery, event, body, is_form)
on conflict (org_id, delivery) do nothing returning id
"""


class Called(msgspec.Struct, frozen=True):
    """A delivery as it came; headers by lower-case name."""

    connection_id: UUID
    headers: Mapping[str, str]
    body: bytes


class _Door(msgspec.Struct, frozen=True):
    org_id: UUID
    secret: str


class _Row(msgspec.Struct, frozen=True):
    id: UUID
    called: Called
    delivery: str
    event: str
    is_form: bool
    kept: asyncio.Future[bool]


class _Lane:
    """The deliveries of one connection that wait for their transaction."""

    def __init__(self) -> None:
        self.waiting: list[_Row] = []
        self.task: asyncio.Task[None] | None = None


class GithubDoor:
    """Takes deliveries."""

    def __init__(self, db: Database, signals: Signals, keeping: Keeping, most_bytes: int) -> None:
        self._db = db
        self._keeping = keeping
        self.most_bytes = most_bytes
        self._doors: dict[UUID, _Door] = {}
        self._lanes: dict[UUID, _Lane] = {}
        self._changes = 0
        signals.follow(db, DOOR_CHANNEL, self._forget)
        signals.on_lost(self._forget_all)

    async def take(self, called: Called) -> Taken:
        """Keep a delivery, once.

        Raises GITHUB_HOOK_REFUSED, MALFORMED (it does not say what it is), TOO_LARGE.
        """
        if len(called.body) > self.most_bytes:
            raise self.too_large()
        door = await self._find(called.connection_id)
        signature = called.headers.get(HEADER, "")
        if door is None or not is_signed(door.secret, signature, called.body):
            raise GITHUB_HOOK_REFUSED("There is no such connection, or the delivery is not signed with its secret.")
        delivery, event = called.headers.get("x-github-delivery", ""), called.headers.get("x-github-event", "")
        if not _DELIVERY.match(delivery) or not _EVENT.match(event):
            raise MALFORMED("A delivery of GitHub has the headers X-GitHub-Delivery and X-GitHub-Event.")
        is_form = called.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        kept = asyncio.get_running_loop().create_future()
        row = _Row(new_id(), called, delivery, event, is_form, kept)
        self._queue(door, row)
        return Taken(delivery, is_repeated=not await kept)

    def too_large(self) -> CrewhallError:
        """What refuses a delivery that is too large."""
        return TOO_LARGE(f"A delivery may have {self.most_bytes // 1024} KiB.", limit=self.most_bytes)

    async def _find(self, connection_id: UUID) -> _Door | None:
        """Whose connection it is and what it is signed with, from memory if it was asked for before."""
        found = self._doors.get(connection_id)
        if found is not None:
            return found
        changes = self._changes
        async with self._db.transaction(None) as tx:
            row = await tx.find(_Sealed, "select * from github_door(%(id)s)", {"id": connection_id})
            if row is None:
                return None
            secret = await self._keeping.open_webhook(tx, connection_id, row.webhook_sealed)
        if len(self._doors) >= MOST_DOORS:
            self._doors.clear()
        found = _Door(row.org_id, secret)
        if changes == self._changes:  # else what was read may be what it was: it is read again
            self._doors[connection_id] = found
        return found

    def _forget(self, connection_id: str) -> None:
        self._changes += 1
        self._doors.pop(UUID(connection_id), None)

    def _forget_all(self) -> None:
        self._changes += 1
        self._doors.clear()

    def _queue(self, door: _Door, row: _Row) -> None:
        lane = self._lanes.setdefault(row.called.connection_id, _Lane())
        lane.waiting.append(row)
        if lane.task is None:
            lane.task = asyncio.create_task(self._keep_all(door, row.called.connection_id, lane), name="github door")

    async def _keep_all(self, door: _Door, connection_id: UUID, lane: _Lane) -> None:
        while lane.waiting:
            rows = _portion(lane.waiting)
            del lane.waiting[: len(rows)]
            try:
                kept = await self._keep(door, connection_id, rows)
            except Exception as error:  # noqa: BLE001 - whoever waits is told, and GitHub may deliver it again
                for row in rows:
                    if not row.kept.done():
                        row.kept.set_exception(error)
            else:
                for row in rows:
                    if not row.kept.done():
                        row.kept.set_result(row.id in kept)
        del self._lanes[connection_id]

    async def _keep(self, door: _Door, connection_id: UUID, rows: list[_Row]) -> set[UUID]:
        async with self._db.transaction(system_actor(door.org_id)) as tx:
            kept = await tx.values(
                _KEEP,
                {
                    "org": door.org_id,
                    "connection": connection_id,
                    "ids": [row.id for row in rows],
                    "deliveries": [row.delivery for row in rows],
                    "events": [row.event for row in rows],
                    "bodies": [row.called.body for row in rows],
                    "forms": [row.is_form for row in rows],
                },
            )
            if kept:
                await tx.notify(DELIVERIES, "")
        return set(kept)


class _Sealed(msgspec.Struct, frozen=True):
    org_id: UUID
    webhook_sealed: bytes


def _portion(waiting: list[_Row]) -> list[_Row]:
    """The first that fit into one transaction; at least one."""
    size = 0
    for count, row in enumerate(waiting[:MOST_AT_ONCE]):
        size += len(row.called.body)
        if count and size > MOST_BYTES_AT_ONCE:
            return waiting[:count]
    return waiting[:MOST_AT_ONCE]
