"""Devices: browsers that tell their person at once, each as long as the login in which that was said."""

from typing import LiteralString
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.outbound import Outbound
from crewhall.notifications.preferences import check_person
from crewhall.notifications.schemas import Device, NewDevice, PushKey
from crewhall.notifications.web_push import SECRET_BYTES, decoded, encoded, is_public_key, public_bytes, signing_key

MOST_DEVICES = 20
_SELECT: LiteralString = """
select d.id, d.endpoint, d.user_agent, d.login_id = %(login)s as is_current, d.created_at, d.told_at
from notification_devices d join logins l on l.id = d.login_id and l.revoked_at is null and l.expires_at > now()
where d.user_id = %(user)s and d.org_id = any (current_orgs())
"""


class _Row(msgspec.Struct):
    id: UUID
    endpoint: str
    user_agent: str | None
    is_current: bool
    created_at: object
    told_at: object


async def push_root(tx: Tx) -> bytes:
    """What the signing key is derived from."""
    return bytes(await tx.value("select session_secret from installation"))


async def get_push_key(tx: Tx) -> PushKey:
    """The key that browsers subscribe with."""
    return PushKey(encoded(public_bytes(signing_key(await push_root(tx)))))


async def list_devices(tx: Tx, actor: Actor) -> list[Device]:
    """List the actor's devices, newest first; at most MOST_DEVICES. Raises FORBIDDEN (an agent)."""
    check_person(actor)
    rows = await tx.all(_Row, _SELECT + " order by d.id desc", {"user": actor.id, "login": actor.credential_id})
    return [_shown(row) for row in rows]


async def add_device(
    tx: Tx, actor: Actor, outbound: Outbound, new: NewDevice, *, user_agent: str | None = None
) -> Device:
    """Tell the actor on this browser from now on; adding it again renews it. The oldest of too many goes.

    Raises FORBIDDEN (an agent), INVALID (an address or keys that are none), OUTBOUND_REFUSED.
    """
    check_person(actor)
    if not new.endpoint.lower().startswith("https://"):
        raise INVALID("A push service has an https address.", field="endpoint")
    outbound.check(new.endpoint)
    public_key, secret = _keys(new)
    await tx.value("select claim_endpoint(%(endpoint)s)", {"endpoint": new.endpoint})
    device_id: UUID = await tx.value(
        """
        insert into notification_devices (id, org_id, user_id, login_id, endpoint, public_key, secret, user_agent)
        values (%(id)s, %(org)s, %(user)s, %(login)s, %(endpoint)s, %(key)s, %(secret)s, %(agent)s)
        on conflict (org_id, user_id, endpoint) do update
        set login_id = excluded.login_id, public_key = excluded.public_key, secret = excluded.secret,
            user_agent = excluded.user_agent
        returning id
        """,
        {
            "id": new_id(),
            "org": actor.org,
            "user": actor.id,
            "login": actor.credential_id,
            "endpoint": new.endpoint,
            "key": public_key,
            "secret": secret,
            "agent": user_agent[:500] if user_agent else None,
        },
    )
    await tx.run(
        """
        delete from notification_devices where user_id = %(user)s and org_id = any (current_orgs()) and id in (
            select id from notification_devices where user_id = %(user)s and org_id = any (current_orgs())
            order by id desc offset %(most)s)
        """,
        {"user": actor.id, "most": MOST_DEVICES},
    )
    row = await tx.one(
        _Row, _SELECT + " and d.id = %(id)s", {"user": actor.id, "login": actor.credential_id, "id": device_id}
    )
    return _shown(row)


async def remove_device(tx: Tx, actor: Actor, device_id: UUID) -> None:
    """Tell the actor there no more. Raises FORBIDDEN (an agent), NOT_FOUND."""
    check_person(actor)
    if not await tx.run(
        "delete from notification_devices where id = %(id)s and user_id = %(user)s and org_id = any (current_orgs())",
        {"id": device_id, "user": actor.id},
    ):
        raise NOT_FOUND("You have no such device.")


def _keys(new: NewDevice) -> tuple[bytes, bytes]:
    try:
        public_key, secret = decoded(new.keys.p256dh), decoded(new.keys.auth)
    except ValueError:
        raise INVALID("The keys are base64url, as the browser's subscription has them.", field="keys") from None
    if not is_public_key(public_key) or len(secret) != SECRET_BYTES:
        raise INVALID("These are not the keys of a browser's subscription.", field="keys")
    return public_key, secret


def _shown(row: _Row) -> Device:
    fields = msgspec.structs.asdict(row)
    return msgspec.convert({**fields, "host": urlsplit(fields.pop("endpoint")).netloc}, Device)
