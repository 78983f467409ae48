"""Digests by mail: what somebody has not read, once a day or once they have been away. One timer for the next of all.

A digest is claimed in one transaction, with the notifications that it tells of, and handed over after it: so it is
never sent twice, whatever dies when. One that the mail server refuses is claimed anew later.
"""

import logging
from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.notifications.digest_mail import DigestMail, compose
from crewhall.notifications.preferences import Preferences, first_due, read_preferences
from crewhall.notifications.queries import COLUMNS, SHOWN, Row, shown_of
from crewhall.notifications.schemas import Notification
from crewhall.notifications.telling import DIGESTS_CHANNEL
from crewhall.notifications.unsubscribing import unsubscribe_token
from crewhall.notifications.vocabulary import DigestChoice, DigestStatus
from crewhall.ports.mailer import Mailer

log = logging.getLogger(__name__)
BATCH = 50
MOST_SHOWN = 20
FIRST_RETRY, LAST_RETRY = timedelta(minutes=5), timedelta(hours=6)
KEPT_DAYS = 90
"""How long notifications are kept, read or not."""
_DAY_S = 86_400.0
HELD_S = 5.0
"""When to look again at what another process is about to send."""

_UNSENT: LiteralString = (
    SHOWN
    + """
      and n.recipient_type = 'user' and n.kind <> 'reaction' and n.read_at is null and not is_passed(n)
      and n.digest_id is null and shows_notification(n)
    order by n.happened_at desc, n.id desc limit %(limit)s
"""
    + COLUMNS
)


class Due(msgspec.Struct):
    """A digest to be looked at, of one person in one organization."""

    org_id: UUID
    user_id: UUID
    role: Role
    email: str
    name: str
    timezone: str
    due_in: float


class Claimed(msgspec.Struct, frozen=True):
    """A digest that this process, and no other, may send."""

    id: UUID
    items: list[Notification]
    token: str
    organization: str


class DigestClock:
    """Sends the digests of every organization, whichever process is first."""

    def __init__(self, db: Database, signals: Signals, mailer: Mailer, base_url: str) -> None:
        self._db = db
        self._mailer = mailer
        self._base_url = base_url
        self._timer = DueTimer("digests", self.send_due)
        self._forgotten: datetime | None = None
        signals.subscribe(DIGESTS_CHANNEL, lambda _: self._timer.stir())
        signals.on_lost(self._timer.stir)

    def start(self) -> None:
        """Send what is due, then wait for the next; the database must be up."""
        self._timer.start()

    async def stop(self) -> None:
        """Stop; what becomes due meanwhile is found at the next start, or by another process."""
        await self._timer.stop()

    async def send_due(self) -> float:
        """Send everything that is due; gives the seconds until the next, a day at most: then the old is forgotten."""
        await self._forget()
        tried: set[tuple[UUID, UUID]] = set()
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.all(Due, "select * from next_digests(%(size)s)", {"size": BATCH})
            due = [one for one in found if one.due_in <= 0]
            if any((one.org_id, one.user_id) in tried for one in due):
                return HELD_S
            for one in due:
                tried.add((one.org_id, one.user_id))
                await self.send(one)
            if len(due) < len(found):
                return min(found[len(due)].due_in, _DAY_S)
            if not due:
                return _DAY_S

    async def send(self, due: Due) -> bool:
        """Send one person's digest, if it is still due and there is anything to tell; tells whether it was sent."""
        claimed = await self.claim(due)
        if claimed is None:
            return False
        digest = DigestMail(
            to=due.email, name=due.name, org_id=due.org_id, organization=claimed.organization, items=claimed.items,
            timezone=due.timezone, base_url=self._base_url, token=claimed.token,
        )  # fmt: skip
        try:
            await self._mailer.send(compose(digest))
        except CrewhallError as error:
            log.warning("a digest was not taken", extra={"digest": str(claimed.id), "reason": error.detail})
            await self.give_back(due, claimed.id)
            return False
        async with self._db.transaction(_person(due)) as tx:
            await _settle(tx, claimed.id, DigestStatus.SENT)
        return True

    async def claim(self, due: Due) -> Claimed | None:
        """Claim what one person is due, and set when they are due next; None: nothing to tell, or not now."""
        async with self._db.transaction(_person(due)) as tx:
            if not await _lock(tx, due):
                return None
            now = utc_now()
            preferences = await read_preferences(tx, due.org_id, due.user_id)
            later = preferences.quiet_until_after(now) or await _still_here(tx, due, preferences, now)
            if later is not None:
                await _set_due(tx, due, later)
                return None
            rows = await tx.all(Row, _UNSENT, {"limit": MOST_SHOWN + 1})
            await _set_due(tx, due, first_due(preferences, now))
            return await _claim(tx, due, rows) if rows else None

    async def give_back(self, due: Due, digest_id: UUID) -> None:
        """Take note that the mail server did not take it: it is claimed anew, ever more seldom."""
        async with self._db.transaction(_person(due)) as tx:
            await tx.run(
                "update notifications set digest_id = null where digest_id = %(id)s and recipient_id = %(user)s",
                {"id": digest_id, "user": due.user_id},
            )
            await _settle(tx, digest_id, DigestStatus.FAILED)
            failures = await tx.value(
                """
                update notification_settings set failures = least(failures + 1, 100)
                where org_id = %(org)s and user_id = %(user)s returning failures
                """,
                {"org": due.org_id, "user": due.user_id},
            )
            retry = min(FIRST_RETRY * 2 ** min((failures or 1) - 1, 10), LAST_RETRY)
            if (await read_preferences(tx, due.org_id, due.user_id)).digest is not DigestChoice.OFF:
                await _set_due(tx, due, utc_now() + retry)

    async def _forget(self) -> None:
        now = utc_now()
        if self._forgotten is None or now - self._forgotten > timedelta(days=1):
            self._forgotten = now
            async with self._db.transaction(None) as tx:
                await tx.value("select forget_notifications(%(age)s)", {"age": timedelta(days=KEPT_DAYS)})


def _person(due: Due) -> Actor:
    """The person themselves: a digest holds what they may read, and no more."""
    return Actor(type=ActorType.USER, id=due.user_id, org_id=due.org_id, name=due.name, role=due.role)


async def _lock(tx: Tx, due: Due) -> bool:
    """Hold the person's settings, unless another process does or it is no longer due."""
    return bool(
        await tx.value(
            """
            select true from notification_settings
            where org_id = %(org)s and user_id = %(user)s and due_at <= now() and digest <> 'off'
            for update skip locked
            """,
            {"org": due.org_id, "user": due.user_id},
        )
    )


async def _still_here(tx: Tx, due: Due, preferences: Preferences, now: datetime) -> datetime | None:
    """When somebody who wants mail once they are away will have been, if they were seen since; None: they have."""
    if preferences.digest is not DigestChoice.AWAY:
        return None
    seen: datetime | None = await tx.value(
        "select max(last_seen_at) from logins where user_id = %(user)s", {"user": due.user_id}
    )
    away = seen + timedelta(minutes=preferences.away_minutes) if seen else now
    return away if away > now else None


async def _set_due(tx: Tx, due: Due, moment: datetime | None) -> None:
    await tx.run(
        "update notification_settings set due_at = %(at)s where org_id = %(org)s and user_id = %(user)s",
        {"at": moment, "org": due.org_id, "user": due.user_id},
    )


async def _claim(tx: Tx, due: Due, rows: list[Row]) -> Claimed:
    digest_id = new_id()
    await tx.run(
        """
        insert into notification_digests (id, org_id, user_id, messages)
        values (%(id)s, %(org)s, %(user)s, %(count)s)
        """,
        {"id": digest_id, "org": due.org_id, "user": due.user_id, "count": len(rows)},
    )
    await tx.run(
        "update notifications set digest_id = %(id)s where recipient_id = %(user)s and id = any (%(ids)s)",
        {"id": digest_id, "user": due.user_id, "ids": [row.id for row in rows]},
    )
    organization = await tx.value("select name from organizations where id = %(org)s", {"org": due.org_id})
    token = await unsubscribe_token(tx, due.org_id, due.user_id)
    return Claimed(digest_id, [shown_of(row) for row in rows], token, organization)


async def _settle(tx: Tx, digest_id: UUID, status: DigestStatus) -> None:
    await tx.run(
        "update notification_digests set status = %(status)s where id = %(id)s",
        {"id": digest_id, "status": str(status)},
    )
    if status is DigestStatus.SENT:
        await tx.run(
            """
            update notification_settings s set failures = 0 from notification_digests d
            where d.id = %(id)s and s.org_id = d.org_id and s.user_id = d.user_id and s.failures > 0
            """,
            {"id": digest_id},
        )
