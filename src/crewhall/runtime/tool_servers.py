"""Tool servers: added, changed, asked what they offer, and what of it is accepted. For owners and admins.

What a server offers counts for nothing until somebody who may has looked at it. When an offer changes afterwards, by
its description even, agents do without that tool until it is accepted again.
"""

from collections import defaultdict
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg.types.json import Jsonb

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.sealing import seal, sealing_key
from crewhall.kernel.tools import Risk
from crewhall.runtime.offers import Offer, checked, name_of
from crewhall.runtime.schemas_servers import NewToolServer, ServerTool, ServerToolInput, ToolServer, ToolServerPatch
from crewhall.runtime.settings import TurnSettings

MOST_SERVERS = 50
_SERVER: LiteralString = """
select id, name, url, sealed is not null as has_token, is_enabled, problem, listed_at, created_at
from tool_servers where org_id = any (current_orgs())
"""


class Row(msgspec.Struct):
    """A server's tool as it is kept."""

    server_id: UUID
    tool: str
    name: str
    offered: Offer
    digest: str
    accepted: Offer | None
    accepted_digest: str | None
    risk: Risk | None
    is_gone: bool

    @property
    def is_usable(self) -> bool:
        """Whether agents may use it: it is there, just as it was accepted."""
        return not self.is_gone and self.accepted_digest == self.digest

    @property
    def risks(self) -> Risk:
        """What a call of it risks."""
        return self.risk or (self.accepted or self.offered).risk


async def list_tool_servers(
    tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None
) -> Page[ToolServer]:
    """List the organization's servers with their tools, by name. Raises FORBIDDEN."""
    check_permission(actor, Permission.SETTINGS_READ)
    size = check_limit(limit)
    key = decode_cursor(after, str)
    servers = await tx.all(
        ToolServer,
        _SERVER + " and (%(after)s::text is null or name > %(after)s) order by name limit %(limit)s",
        {"after": key[0] if key else None, "limit": size + 1},
    )
    page = page_of(servers, size, lambda server: (server.name,))
    tools: dict[UUID, list[ServerTool]] = defaultdict(list)
    for row in await _rows(tx, *(server.id for server in page.items)):
        tools[row.server_id].append(_shown(row))
    for server in page.items:
        server.tools = tools[server.id]
    return page


async def get_tool_server(tx: Tx, actor: Actor, server_id: UUID) -> ToolServer:
    """Return a server with its tools. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.SETTINGS_READ)
    found = await tx.find(ToolServer, _SERVER + " and id = %(id)s", {"id": server_id})
    if found is None:
        raise NOT_FOUND("There is no such tool server.")
    found.tools = [_shown(row) for row in await _rows(tx, server_id)]
    return found


async def access_to_change(tx: Tx, actor: Actor, server_id: UUID) -> ToolServer:
    """Return a server for who may change it. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    return await get_tool_server(tx, actor, server_id)


async def add_tool_server(tx: Tx, actor: Actor, settings: TurnSettings, data: NewToolServer) -> ToolServer:
    """Add a server; it is not asked yet. Raises FORBIDDEN, CONFLICT (the name is taken, or there are too many)."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    taken = await tx.values("select name from tool_servers where org_id = any (current_orgs())")
    if data.name in taken:
        raise CONFLICT(f"There is a tool server named {data.name}.", field="name")
    if len(taken) >= MOST_SERVERS:
        raise CONFLICT(f"There are {MOST_SERVERS} tool servers, the most that one may have.", limit=MOST_SERVERS)
    server_id = new_id()
    sealed = None
    if data.token is not None:
        sealed = seal(await sealing_key(tx, settings.secrets_key), data.token, server_id.bytes)
    await tx.run(
        """
        insert into tool_servers (id, org_id, name, url, sealed, created_by, updated_by)
        values (%(id)s, %(org)s, %(name)s, %(url)s, %(sealed)s, %(by)s, %(by)s)
        """,
        {"id": server_id, "org": actor.org, "name": data.name, "url": data.url, "sealed": sealed, "by": actor.id},
    )
    details = {"name": data.name, "url": data.url}
    await audit.record(tx, actor, "tool_server.added", "tool_server", server_id, details)
    return await get_tool_server(tx, actor, server_id)


async def change_tool_server(
    tx: Tx, actor: Actor, settings: TurnSettings, server_id: UUID, patch: ToolServerPatch
) -> ToolServer:
    """Change a server. With another address nothing is accepted any more, and the kept token is not sent there."""
    before = await access_to_change(tx, actor, server_id)
    moved = patch.url is not UNSET and patch.url != before.url
    if isinstance(patch.token, str):
        sealed = seal(await sealing_key(tx, settings.secrets_key), patch.token, server_id.bytes)
    else:
        sealed = None
    await tx.run(
        """
        update tool_servers set url = %(url)s, is_enabled = %(enabled)s, updated_by = %(by)s,
            sealed = case when %(resealed)s then %(sealed)s::bytea else sealed end
        where id = %(id)s and org_id = any (current_orgs())
        """,
        {
            "id": server_id,
            "url": before.url if patch.url is UNSET else patch.url,
            "enabled": before.is_enabled if patch.is_enabled is UNSET else patch.is_enabled,
            "resealed": moved or patch.token is not UNSET,
            "sealed": sealed,
            "by": actor.id,
        },
    )
    if moved:
        await tx.run(
            "update server_tools set accepted = null, accepted_digest = null where server_id = %(id)s",
            {"id": server_id},
        )
    changed = [name for name in patch.__struct_fields__ if getattr(patch, name) is not UNSET]
    details = {"name": before.name, "changed": changed}
    await audit.record(tx, actor, "tool_server.changed", "tool_server", server_id, details)
    return await get_tool_server(tx, actor, server_id)


async def remove_tool_server(tx: Tx, actor: Actor, server_id: UUID) -> None:
    """Remove a server with its tools: agents that have them do without. Raises FORBIDDEN, NOT_FOUND."""
    found = await access_to_change(tx, actor, server_id)
    await tx.run("delete from tool_servers where id = %(id)s and org_id = any (current_orgs())", {"id": server_id})
    await audit.record(tx, actor, "tool_server.removed", "tool_server", server_id, {"name": found.name})


async def settle_server_tool(tx: Tx, actor: Actor, server_id: UUID, name: str, data: ServerToolInput) -> ToolServer:
    """Accept an offer that was looked at, or take that back; settle its risk.

    Raises FORBIDDEN, NOT_FOUND, CONFLICT when the offer has changed since.
    """
    server = await access_to_change(tx, actor, server_id)
    row = next((one for one in await _rows(tx, server_id, locked=True) if one.name == name), None)
    if row is None:
        raise NOT_FOUND("This server offers no such tool.")
    if isinstance(data.accept, str) and (data.accept != row.digest or row.is_gone):
        raise CONFLICT("What the server offers has changed since you looked. Look again.", field="accept")
    accepts = {"accepts": data.accept is not UNSET, "is_accepted": isinstance(data.accept, str)}
    await tx.run(
        """
        update server_tools set
            risk = case when %(risks)s then %(risk)s else risk end,
            accepted = case when %(accepts)s then case when %(is_accepted)s then offered end else accepted end,
            accepted_digest = case when %(accepts)s then case when %(is_accepted)s then digest end
                              else accepted_digest end,
            accepted_by = case when %(accepts)s then %(by)s else accepted_by end,
            accepted_at = case when %(accepts)s then now() else accepted_at end
        where server_id = %(server)s and name = %(name)s and org_id = any (current_orgs())
        """,
        {
            **accepts,
            "risks": data.risk is not UNSET,
            "risk": str(data.risk) if isinstance(data.risk, Risk) else None,
            "by": actor.id,
            "server": server_id,
            "name": name,
        },
    )
    details: dict[str, Any] = {"name": name, "server": server.name}
    if accepts["accepts"]:
        action = "server_tool.accepted" if accepts["is_accepted"] else "server_tool.held_back"
        await audit.record(tx, actor, action, "tool_server", server_id, details)
    if data.risk is not UNSET:
        details["risk"] = str(data.risk or "usual")
        await audit.record(tx, actor, "server_tool.weighed", "tool_server", server_id, details)
    return await get_tool_server(tx, actor, server_id)


async def keep_offers(tx: Tx, org_id: UUID, server_id: UUID, server: str, offers: list[Offer]) -> None:
    """Keep what a server offers now. What was accepted stays: a changed offer is held back by the difference."""
    good, wrong = checked(server, offers)
    there: dict[str, Any] = {
        "server": server_id,
        "tools": [offer.tool for offer in good],
        "names": [name_of(server, offer.tool) for offer in good],
    }
    await tx.run(
        """
        delete from server_tools
        where server_id = %(server)s and tool <> all (%(tools)s) and (accepted is null or name = any (%(names)s))
        """,
        there,
    )
    await tx.run(
        "update server_tools set is_gone = true where server_id = %(server)s and tool <> all (%(tools)s)", there
    )
    for offer, name in zip(good, there["names"], strict=True):
        await tx.run(
            """
            insert into server_tools (org_id, server_id, tool, name, offered, digest)
            values (%(org)s, %(server)s, %(tool)s, %(name)s, %(offered)s, %(digest)s)
            on conflict (org_id, server_id, tool) do update
                set offered = excluded.offered, digest = excluded.digest, is_gone = false
            """,
            {
                "org": org_id,
                "server": server_id,
                "tool": offer.tool,
                "name": name,
                "offered": Jsonb(msgspec.to_builtins(offer)),
                "digest": offer.digest,
            },
        )
    await tx.run(
        "update tool_servers set listed_at = now(), problem = %(problem)s where id = %(server)s",
        {"problem": " ".join(wrong)[:2000] or None, "server": server_id},
    )


async def keep_problem(tx: Tx, server_id: UUID, problem: str) -> None:
    """Keep why a server could not be asked."""
    await tx.run(
        "update tool_servers set problem = %(problem)s where id = %(id)s", {"problem": problem[:2000], "id": server_id}
    )


async def _rows(tx: Tx, *server_ids: UUID, locked: bool = False) -> list[Row]:
    select: LiteralString = """
    select server_id, tool, name, offered, digest, accepted, accepted_digest, risk, is_gone
    from server_tools where server_id = any (%(servers)s) and org_id = any (current_orgs()) order by name
    """
    return await tx.all(Row, select + (" for update" if locked else ""), {"servers": list(server_ids)})


def _shown(row: Row) -> ServerTool:
    offer = row.offered
    return ServerTool(
        name=row.name,
        tool=row.tool,
        title=offer.title,
        description=offer.description,
        schema=offer.schema,
        digest=row.digest,
        says_read_only=offer.is_read_only,
        says_destructive=offer.is_destructive,
        risk=row.risk or offer.risk,
        is_risk_settled=row.risk is not None,
        is_usable=row.is_usable,
        is_gone=row.is_gone,
        accepted=row.accepted if row.accepted_digest != row.digest else None,
    )
