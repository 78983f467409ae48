"""A person's choices in one organization: quiet hours, digest. Times are of their own wall clock."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import FORBIDDEN, INVALID
from crewhall.notifications.quiet import minutes_of, next_at, quiet_until, wall_of
from crewhall.notifications.schemas import NotificationSettings, NotificationSettingsChange
from crewhall.notifications.telling import DIGESTS_CHANNEL
from crewhall.notifications.vocabulary import DigestChoice

_WALLS = ("quiet_from", "quiet_until", "daily_at")


class Preferences(msgspec.Struct, kw_only=True):
    """The choices as they are kept: minutes of the day; and the timezone of the person's profile."""

    quiet_from: int | None = None
    quiet_until: int | None = None
    digest: DigestChoice = DigestChoice.OFF
    daily_at: int = 8 * 60
    away_minutes: int = 60
    timezone: str = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        """The person's timezone."""
        return ZoneInfo(self.timezone)

    def quiet_until_after(self, now: datetime) -> datetime | None:
        """When the quiet hours that hold at `now` end; None when none do."""
        return quiet_until(self.zone, self.quiet_from, self.quiet_until, now)


async def read_preferences(tx: Tx, org_id: UUID, user_id: UUID) -> Preferences:
    """The choices of a person; what they never settled has its default."""
    found = await tx.find(
        Preferences,
        """
        select s.quiet_from, s.quiet_until, s.digest, s.daily_at, s.away_minutes, u.timezone
        from users u join notification_settings s on s.user_id = u.id and s.org_id = %(org)s where u.id = %(user)s
        """,
        {"org": org_id, "user": user_id},
    )
    zone = await tx.value("select timezone from users where id = %(user)s", {"user": user_id}) if not found else None
    return found or Preferences(timezone=zone or "UTC")


async def get_settings(tx: Tx, actor: Actor) -> NotificationSettings:
    """The actor's choices, a person's. Raises FORBIDDEN."""
    check_person(actor)
    found = await read_preferences(tx, actor.org, actor.id)
    return NotificationSettings(
        quiet_from=None if found.quiet_from is None else wall_of(found.quiet_from),
        quiet_until=None if found.quiet_until is None else wall_of(found.quiet_until),
        digest=found.digest,
        daily_at=wall_of(found.daily_at),
        away_minutes=found.away_minutes,
        timezone=found.timezone,
    )


async def change_settings(tx: Tx, actor: Actor, change: NotificationSettingsChange) -> NotificationSettings:
    """Change what is given. Raises FORBIDDEN (an agent), INVALID (quiet hours with one end)."""
    check_person(actor)
    check_permission(actor, Permission.ORGANIZATION_READ)
    changed = msgspec.structs.replace(await read_preferences(tx, actor.org, actor.id), **_changes(change))
    if (changed.quiet_from is None) != (changed.quiet_until is None):
        missing = "quiet_from" if changed.quiet_from is None else "quiet_until"
        raise INVALID("Quiet hours have a beginning and an end: give both, or neither.", field=missing)
    await _write(tx, actor, changed)
    return await get_settings(tx, actor)


async def end_digests(tx: Tx, org_id: UUID, user_id: UUID) -> None:
    """Send no more digests to somebody, whatever they had chosen; the rest stays as it is."""
    await tx.run(
        """
        update notification_settings set digest = 'off', due_at = null where org_id = %(org)s and user_id = %(user)s
        """,
        {"org": org_id, "user": user_id},
    )


def first_due(preferences: Preferences, now: datetime) -> datetime | None:
    """When a digest is to be looked at next, knowing nothing of what is unread."""
    match preferences.digest:
        case DigestChoice.DAILY:
            return next_at(preferences.zone, preferences.daily_at, now)
        case _:
            return None


def check_person(actor: Actor) -> None:
    """Refuse who is no person: mails, devices and quiet hours are theirs. Raises FORBIDDEN."""
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("These are for people: an agent reads its notifications, and has no mail, device or night.")


def _changes(change: NotificationSettingsChange) -> dict[str, Any]:
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    return {name: minutes_of(value) if name in _WALLS and value else value for name, value in given.items()}


async def _write(tx: Tx, actor: Actor, changed: Preferences) -> None:
    due = first_due(changed, utc_now())
    await tx.run(
        """
        insert into notification_settings (org_id, user_id, quiet_from, quiet_until, digest, daily_at, away_minutes,
                                           due_at)
        values (%(org)s, %(user)s, %(quiet_from)s, %(quiet_until)s, %(digest)s, %(daily_at)s, %(away_minutes)s, %(due)s)
        on conflict (org_id, user_id) do update
        set quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until, digest = excluded.digest,
            daily_at = excluded.daily_at, away_minutes = excluded.away_minutes, due_at = excluded.due_at, failures = 0
        """,
        {
            "org": actor.org,
            "user": actor.id,
            "quiet_from": changed.quiet_from,
            "quiet_until": changed.quiet_until,
            "digest": str(changed.digest),
            "daily_at": changed.daily_at,
            "away_minutes": changed.away_minutes,
            "due": due,
        },
    )
    if changed.digest is DigestChoice.AWAY:  # what is unread by now waits for no further message
        await tx.value("select expect_digests(%(org)s, array[%(user)s]::uuid[])", {"org": actor.org, "user": actor.id})
    await tx.notify(DIGESTS_CHANNEL, "")
