"""Telling somebody: rows for what the log does not hold, and word to every process that somebody's inbox changed.

A notice on the channel is a list of `<org> <recipient> <notification or -> <! where a device is to be told>`, with
commas between.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from crewhall.conversations import MemberAdded
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.ids import new_id
from crewhall.notifications.vocabulary import NotificationKind

CHANNEL = "crewhall_notifications"
DIGESTS_CHANNEL = "crewhall_digests"
"""Says that a digest may be due earlier than any was."""
MOST_AT_ONCE = 60
"""As many as a NOTIFY has room for."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """Somebody whose inbox changed. `notification_id`: by this one; `on_device`: a device is to show it."""

    org_id: UUID
    recipient_id: UUID
    notification_id: UUID | None = None
    on_device: bool = False


async def ring_all(tx: Tx, told: Iterable[Told]) -> None:
    """Say that these inboxes changed, once the transaction commits."""
    entries = [_written(one) for one in told]
    for start in range(0, len(entries), MOST_AT_ONCE):
        await tx.notify(CHANNEL, ",".join(entries[start : start + MOST_AT_ONCE]))


async def ring(tx: Tx, org_id: UUID, recipients: Iterable[UUID]) -> None:
    """Say that the inboxes of these changed, by nothing new."""
    await ring_all(tx, [Told(org_id, recipient) for recipient in recipients])


def read_notice(payload: str) -> list[Told]:
    """Read what `ring_all` said."""
    found = []
    for entry in payload.split(","):
        org, recipient, notification, mark = entry.split(" ")
        found.append(Told(UUID(org), UUID(recipient), None if notification == "-" else UUID(notification), mark == "!"))
    return found


def _written(told: Told) -> str:
    return f"{told.org_id} {told.recipient_id} {told.notification_id or '-'} {'!' if told.on_device else '-'}"


async def tell(
    tx: Tx,
    recipients: Iterable[UUID],
    kind: NotificationKind,
    *,
    org_id: UUID,
    actor_type: ActorType,
    actor_id: UUID,
    actor_name: str,
    recipient_type: ActorType = ActorType.USER,
    conversation_id: UUID | None = None,
    subject_id: UUID | None = None,
    detail: str | None = None,
) -> None:
    """Tell recipients of something that is not in the log, in the caller's transaction."""
    told = [Told(org_id, recipient, new_id()) for recipient in recipients]
    if not told:
        return
    await tx.run(
        """
        insert into notifications (id, org_id, recipient_type, recipient_id, kind, actor_type, actor_id, actor_name,
                                   conversation_id, subject_id, detail)
        select t.id, %(org)s, %(recipient_type)s, t.recipient, %(kind)s, %(actor_type)s, %(actor)s, %(actor_name)s,
               %(conversation)s, %(subject)s, %(detail)s
        from unnest(%(ids)s::uuid[], %(recipients)s::uuid[]) as t (id, recipient)
        """,
        {
            "ids": [one.notification_id for one in told],
            "recipients": [one.recipient_id for one in told],
            "org": org_id,
            "recipient_type": str(recipient_type),
            "kind": str(kind),
            "actor_type": str(actor_type),
            "actor": actor_id,
            "actor_name": actor_name,
            "conversation": conversation_id,
            "subject": subject_id,
            "detail": detail,
        },
    )
    people = [one.recipient_id for one in told] if recipient_type is ActorType.USER else []
    devices = await tx.values(
        "select p.id from unnest(%(people)s::uuid[]) as p (id) where has_device(%(org)s, p.id)",
        {"people": people, "org": org_id},
    )
    if await tx.value("select expect_digests(%(org)s, %(people)s)", {"org": org_id, "people": people}):
        await tx.notify(DIGESTS_CHANNEL, "")
    await ring_all(tx, [msgspec.structs.replace(one, on_device=one.recipient_id in set(devices)) for one in told])


async def on_member_added(tx: Tx, actor: Actor, event: MemberAdded) -> None:
    """Tell who was added to a group or channel, or reads a session along; who is written to is told by the messages."""
    if event.role != "reader" and await tx.value(
        "select kind = 'direct' from conversations where id = %(id)s", {"id": event.conversation_id}
    ):
        return
    await tell(
        tx,
        [event.member_id],
        NotificationKind.INVITATION,
        org_id=event.org_id,
        actor_type=actor.type,
        actor_id=actor.id,
        actor_name=actor.name,
        recipient_type=ActorType(event.member_type),
        conversation_id=event.conversation_id,
    )
