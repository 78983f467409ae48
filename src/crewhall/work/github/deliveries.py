"""Deliveries that were kept: done in the background, each in one transaction; listed, and done again if asked."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.work.github.door import DELIVERIES
from crewhall.work.github.fields import Raw, Unreadable
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.naming import find_repository, take_name
from crewhall.work.github.payloads import Told, read_payload
from crewhall.work.github.schemas import Delivery
from crewhall.work.github.vocabulary import DeliveryState

MOST_RETRIES = 6
FIRST_WAIT_S, LAST_WAIT_S = 5.0, 3600.0
BROKE_OFF = "Doing it broke off again and again. Deliver it again once the reason is mended."
_DELIVERY: LiteralString = """
select id, connection_id, delivery, event, state, reason, repository_id, retries, body is not null as has_payload,
    created_at, done_at
from github_deliveries where org_id = any (current_orgs())
"""
_CLAIM: LiteralString = """
update github_deliveries set attempt = attempt + 1, look_at = clock_timestamp() + interval '2 minutes'
where id = %(id)s and look_at <= clock_timestamp()
returning id, org_id, connection_id, event, body, is_form, attempt, retries
"""
_END: LiteralString = """
update github_deliveries set state = %(state)s, reason = %(reason)s, repository_id = %(repository)s, look_at = null,
    done_at = clock_timestamp()
where id = %(id)s and attempt = %(attempt)s and state = 'waiting'
"""
_PUT_OFF: LiteralString = """
update github_deliveries set look_at = clock_timestamp() + make_interval(secs => %(wait)s), retries = retries + 1,
    reason = %(reason)s
where id = %(id)s and attempt = %(attempt)s and state = 'waiting'
"""


class Claimed(msgspec.Struct, frozen=True):
    """A delivery that this process does. What it writes counts while `attempt` is the row's."""

    id: UUID
    org_id: UUID
    connection_id: UUID
    event: str
    body: bytes | None
    is_form: bool
    attempt: int
    retries: int


class NotOurs(Exception):
    """Another process has taken over."""


async def claim_delivery(db: Database, org_id: UUID, delivery_id: UUID) -> Claimed | None:
    """Take a delivery over, if it is still due."""
    async with db.transaction(system_actor(org_id)) as tx:
        return await tx.find(Claimed, _CLAIM, {"id": delivery_id})


async def do_delivery(db: Database, claimed: Claimed) -> None:
    """Take into the mirror what a delivery tells; what cannot be read ends as failed, with the reason."""
    system = system_actor(claimed.org_id)
    if claimed.attempt - claimed.retries > MOST_RETRIES:  # it ended its process, not itself
        await _fail(db, claimed, BROKE_OFF)
        return
    try:
        told = read_payload(claimed.event, claimed.body or b"", is_form=claimed.is_form)
        async with db.transaction(system) as tx:
            state, reason, repository_id = await _take(tx, system, claimed, told)
            await _end(tx, claimed, state, reason, repository_id)
    except Unreadable as error:
        await _fail(db, claimed, str(error))


async def put_off(db: Database, claimed: Claimed) -> None:
    """Have a delivery that failed by something passing done later; after some times it has failed."""
    if claimed.retries + 1 >= MOST_RETRIES:
        await _fail(db, claimed, BROKE_OFF)
        return
    wait = min(FIRST_WAIT_S * 4**claimed.retries, LAST_WAIT_S)
    values = {"id": claimed.id, "attempt": claimed.attempt, "wait": wait}
    async with db.transaction(system_actor(claimed.org_id)) as tx:
        await tx.run(_PUT_OFF, values | {"reason": "Something failed here. It is tried again."})


async def list_deliveries(
    tx: Tx,
    actor: Actor,
    *,
    state: DeliveryState | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[Delivery]:
    """List what webhooks delivered, the newest first. Raises FORBIDDEN."""
    check_permission(actor, Permission.SETTINGS_READ)
    size, key = check_limit(limit), decode_cursor(after, UUID)
    rows = await tx.all(
        Delivery,
        _DELIVERY
        + """
        and (%(state)s::text is null or state = %(state)s) and (%(after)s::uuid is null or id < %(after)s)
        order by id desc limit %(limit)s
        """,
        {"state": str(state) if state else None, "after": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.id,))


async def redeliver(tx: Tx, actor: Actor, delivery_id: UUID) -> Delivery:
    """Do a delivery again, from what was kept of it. Raises FORBIDDEN, NOT_FOUND, CONFLICT (nothing was kept)."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    found = await tx.find(Delivery, _DELIVERY + " and id = %(id)s for update", {"id": delivery_id})
    if found is None:
        raise NOT_FOUND("There is no such delivery here.")
    if not found.has_payload:
        raise CONFLICT("What it delivered is not kept any more. Deliver it again at GitHub.")
    await tx.run(
        """
        update github_deliveries set state = 'waiting', reason = null, done_at = null, retries = 0,
            look_at = clock_timestamp(), attempt = 0
        where id = %(id)s and org_id = any (current_orgs())
        """,
        {"id": delivery_id},
    )
    await tx.notify(DELIVERIES, "")
    await audit.record(tx, actor, "github_delivery.repeated", "github_delivery", delivery_id, {"name": found.delivery})
    return await tx.one(Delivery, _DELIVERY + " and id = %(id)s", {"id": delivery_id})


async def _take(tx: Tx, system: Actor, claimed: Claimed, told: Told) -> tuple[DeliveryState, str | None, UUID | None]:
    """What becomes of a delivery that was read."""
    if not told.is_known:
        return DeliveryState.IGNORED, f"Nothing here follows from “{claimed.event}”.", None
    if told.repository is None:
        return DeliveryState.IGNORED, "It tells of no repository.", None
    repository_id = await find_repository(tx, claimed.connection_id, told.repository, told.installation_id)
    if repository_id is None:
        return DeliveryState.IGNORED, f"{_name(told.repository)} is not mirrored here.", None
    if claimed.event == "repository":
        await take_name(tx, repository_id, told.repository)
    await mirror_items(tx, system, repository_id, told.items)
    return DeliveryState.DONE, None, repository_id


async def _end(tx: Tx, claimed: Claimed, state: DeliveryState, reason: str | None, repository_id: UUID | None) -> None:
    values = {"id": claimed.id, "attempt": claimed.attempt, "state": str(state)}
    if not await tx.run(_END, values | {"reason": reason, "repository": repository_id}):
        raise NotOurs


async def _fail(db: Database, claimed: Claimed, reason: str) -> None:
    async with db.transaction(system_actor(claimed.org_id)) as tx:
        await _end(tx, claimed, DeliveryState.FAILED, reason, None)


def _name(repository: Raw) -> str:
    name = repository.get("full_name")
    return name.replace("\0", "")[:201] if isinstance(name, str) else "Its repository"
