"""Connections to GitHub: made, changed, checked, removed. For owners and admins."""

import secrets
from typing import LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page
from crewhall.ports.github import Access, Github
from crewhall.work.github.door import DOOR_CHANNEL
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.schemas import Connection, ConnectionInput, ConnectionPatch, ConnectionWithSecret
from crewhall.work.github.vocabulary import ConnectionKind

MOST_CONNECTIONS = 20
WEBHOOK_PATH = "/api/v1/github/hooks/"
_CONNECTION: LiteralString = """
select c.id, c.kind, c.name, c.app_id, c.answered, c.problem, c.checked_at, c.created_at,
    (select count(*) from github_repositories r
     where r.org_id = c.org_id and r.connection_id = c.id) as repository_count
from github_connections c where c.org_id = any (current_orgs())
"""


class Kept(msgspec.Struct, frozen=True):
    """What asks GitHub."""

    id: UUID
    kind: ConnectionKind
    app_id: int | None
    sealed: bytes


async def list_connections(tx: Tx, actor: Actor, base_url: str) -> Page[Connection]:
    """List the organization's connections by name. Raises FORBIDDEN."""
    check_permission(actor, Permission.SETTINGS_READ)
    return Page([_shown(one, base_url) for one in await tx.all(Connection, _CONNECTION + " order by c.name")])


async def get_connection(tx: Tx, actor: Actor, base_url: str, connection_id: UUID) -> Connection:
    """Return a connection, without what is secret. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.SETTINGS_READ)
    found = await tx.find(Connection, _CONNECTION + " and c.id = %(id)s", {"id": connection_id})
    if found is None:
        raise NOT_FOUND("There is no such connection to GitHub.")
    return _shown(found, base_url)


async def connect(tx: Tx, actor: Actor, keeping: Keeping, base_url: str, data: ConnectionInput) -> ConnectionWithSecret:
    """Keep a token, or an app, and what its webhooks are signed with. Raises FORBIDDEN, INVALID, CONFLICT."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    kind, secret = _means(data)
    taken = await tx.values("select name from github_connections where org_id = any (current_orgs())")
    if data.name in taken:
        raise CONFLICT(f"There is a connection named {data.name}.", field="name")
    if len(taken) >= MOST_CONNECTIONS:
        raise CONFLICT(f"There are {MOST_CONNECTIONS} connections, the most that one may have.", limit=MOST_CONNECTIONS)
    connection_id, webhook_secret = new_id(), data.webhook_secret or secrets.token_urlsafe(32)
    await tx.run(
        """
        insert into github_connections (id, org_id, kind, name, app_id, sealed, webhook_sealed, created_by, updated_by)
        values (%(id)s, %(org)s, %(kind)s, %(name)s, %(app)s, %(sealed)s, %(webhook)s, %(by)s, %(by)s)
        """,
        {
            "id": connection_id,
            "org": actor.org,
            "kind": str(kind),
            "name": data.name,
            "app": data.app_id,
            "sealed": await keeping.seal_access(tx, connection_id, secret),
            "webhook": await keeping.seal_webhook(tx, connection_id, webhook_secret),
            "by": actor.id,
        },
    )
    await _record(tx, actor, "github.connected", connection_id, name=data.name, kind=str(kind))
    shown = await get_connection(tx, actor, base_url, connection_id)
    return ConnectionWithSecret(**msgspec.structs.asdict(shown), webhook_secret=webhook_secret)


async def change_connection(
    tx: Tx, actor: Actor, keeping: Keeping, base_url: str, connection_id: UUID, patch: ConnectionPatch
) -> Connection:
    """Change a connection; a secret that is given takes the place of the old one at once."""
    before = await _access(tx, actor, base_url, connection_id)
    wrong = patch.token if before.kind is ConnectionKind.APP else patch.private_key
    if wrong is not UNSET:
        raise INVALID(f"This connection has {_HAS[before.kind]}.", field=_OTHER[before.kind])
    secret = patch.private_key if before.kind is ConnectionKind.APP else patch.token
    sealed = await keeping.seal_access(tx, connection_id, secret) if isinstance(secret, str) else None
    webhook = None
    if isinstance(patch.webhook_secret, str):
        webhook = await keeping.seal_webhook(tx, connection_id, patch.webhook_secret)
    await _check_name(tx, before, patch)
    await tx.run(
        """
        update github_connections set name = coalesce(%(name)s, name), sealed = coalesce(%(sealed)s, sealed),
            webhook_sealed = coalesce(%(webhook)s, webhook_sealed), updated_by = %(by)s
        where id = %(id)s and org_id = any (current_orgs())
        """,
        {
            "id": connection_id,
            "name": None if patch.name is UNSET else patch.name,
            "sealed": sealed,
            "webhook": webhook,
            "by": actor.id,
        },
    )
    await tx.notify(DOOR_CHANNEL, str(connection_id))
    changed = [name for name in patch.__struct_fields__ if getattr(patch, name) is not UNSET]
    await _record(tx, actor, "github.changed", connection_id, name=before.name, changed=changed)
    return await get_connection(tx, actor, base_url, connection_id)


async def remove_connection(tx: Tx, actor: Actor, base_url: str, connection_id: UUID) -> None:
    """Remove a connection with its repositories' mirror and its deliveries. At GitHub nothing changes."""
    found = await _access(tx, actor, base_url, connection_id)
    await tx.run(
        "delete from github_connections where id = %(id)s and org_id = any (current_orgs())", {"id": connection_id}
    )
    await tx.notify(DOOR_CHANNEL, str(connection_id))
    await _record(tx, actor, "github.disconnected", connection_id, name=found.name)


async def check_connection(
    db: Database, actor: Actor, keeping: Keeping, github: Github, base_url: str, connection_id: UUID
) -> Connection:
    """Ask GitHub whom it takes us for, and keep what it said. Raises FORBIDDEN, NOT_FOUND."""
    async with db.transaction(actor) as tx:
        await _access(tx, actor, base_url, connection_id)
        access, kind = await access_of(tx, keeping, connection_id)
    answered, problem = None, None
    try:  # no transaction is open meanwhile
        answered = await _ask(github, access, kind)
    except CrewhallError as error:
        problem = error.detail
    async with db.transaction(actor) as tx:
        await tx.run(
            """
            update github_connections set answered = %(answered)s, problem = %(problem)s, checked_at = now()
            where id = %(id)s and org_id = any (current_orgs())
            """,
            {"id": connection_id, "answered": answered, "problem": problem},
        )
        return await get_connection(tx, actor, base_url, connection_id)


async def access_of(
    tx: Tx, keeping: Keeping, connection_id: UUID, installation_id: int | None = None
) -> tuple[Access, ConnectionKind]:
    """With whose rights GitHub is asked. Raises NOT_FOUND, UNREADABLE_SECRET."""
    kept = await tx.find(
        Kept, "select id, kind, app_id, sealed from github_connections where id = %(id)s", {"id": connection_id}
    )
    if kept is None:
        raise NOT_FOUND("There is no such connection to GitHub.")
    secret = await keeping.open_access(tx, connection_id, kept.sealed)
    return Access(secret, kept.app_id, installation_id if kept.app_id else None), kept.kind


async def _ask(github: Github, access: Access, kind: ConnectionKind) -> str:
    path, field = ("/app", "slug") if kind is ConnectionKind.APP else ("/user", "login")
    body = (await github.ask(access, "GET", path)).body
    found = body.get(field) if isinstance(body, dict) else None
    return str(found)[:200] if found else "somebody"


def _means(data: ConnectionInput) -> tuple[ConnectionKind, str]:
    if data.token is not None and data.app_id is None and data.private_key is None:
        return ConnectionKind.TOKEN, data.token
    if data.token is None and data.app_id is not None and data.private_key is not None:
        if "PRIVATE KEY-----" not in data.private_key:
            raise INVALID("Paste the whole file that GitHub made: it begins with -----BEGIN.", field="private_key")
        return ConnectionKind.APP, data.private_key
    raise INVALID("Give a token, or an app's id together with its private key.", field="token")


async def _check_name(tx: Tx, before: Connection, patch: ConnectionPatch) -> None:
    if patch.name is UNSET or patch.name == before.name:
        return
    if await tx.value(
        "select exists (select from github_connections where org_id = any (current_orgs()) and name = %(name)s)",
        {"name": patch.name},
    ):
        raise CONFLICT(f"There is a connection named {patch.name}.", field="name")


async def _access(tx: Tx, actor: Actor, base_url: str, connection_id: UUID) -> Connection:
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    return await get_connection(tx, actor, base_url, connection_id)


async def _record(tx: Tx, actor: Actor, action: str, connection_id: UUID, **details: object) -> None:
    await audit.record(tx, actor, action, "github_connection", connection_id, details)


def _shown(found: Connection, base_url: str) -> Connection:
    found.webhook_url = f"{base_url}{WEBHOOK_PATH}{found.id}"
    return found


_HAS = {ConnectionKind.APP: "an app's private key, no token", ConnectionKind.TOKEN: "a token, no private key"}
_OTHER = {ConnectionKind.APP: "token", ConnectionKind.TOKEN: "private_key"}
