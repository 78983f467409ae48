"""Tools of other servers as agents use them: as they were accepted, asked anew before each call.

Before a call the server is asked once more what the tool is. Is it no longer what was accepted, the call is not made
and the tool is held back, until somebody has looked (a server may offer something harmless first and another thing
afterwards). A server that is away makes the call fail, never the turn.
"""

import asyncio
import math
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.errors import CrewhallError, define_error
from crewhall.kernel.outbound import Outbound
from crewhall.kernel.sealing import sealing_key, unseal
from crewhall.kernel.tools import Caller, Open, Tool
from crewhall.runtime.offers import Offer, is_server_tool
from crewhall.runtime.schemas_servers import ToolServer
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tool_servers import Row, keep_offers, keep_problem

if TYPE_CHECKING:
    from crewhall.runtime.dialling import Line

REFRESH_S = 20.0
"""Longest time to ask what there is: somebody waits for the answer to a request."""
SHORT = 200
TOOL_CHANGED = define_error("tool_changed", 409, "The tool is not what was accepted")


class _Server(msgspec.Struct):
    id: UUID
    name: str
    url: str
    sealed: bytes | None
    is_open: bool


class _Accepted(Row, kw_only=True):
    server: str
    url: str


class ToolServers:
    """The servers of one process's organizations; nothing is open or imported until one is asked."""

    def __init__(self, db: Database, settings: TurnSettings, outbound: Outbound | None = None) -> None:
        self._db = db
        self._settings = settings
        self._outbound = outbound or Outbound(private=settings.outbound_private_hosts.split())

    async def tools_of(self, org_id: UUID, names: list[str], *, held: bool = False) -> list[Tool]:
        """The tools of these names that may be used; those held back as well, for a turn that has begun with them."""
        asked = [name for name in names if is_server_tool(name)]
        if not asked:
            return []
        async with self._db.transaction(system_actor(org_id)) as tx:
            rows = await tx.all(
                _Accepted,
                """
                select t.server_id, t.tool, t.name, t.offered, t.digest, t.accepted, t.accepted_digest, t.risk,
                       t.is_gone, s.name as server, s.url
                from server_tools t join tool_servers s on s.id = t.server_id and s.is_enabled
                where t.org_id = any (current_orgs()) and t.name = any (%(names)s) and t.accepted is not null
                order by t.name
                """,
                {"names": asked},
            )
        return [self._tool(row) for row in rows if held or row.is_usable]

    async def names_of(self, org_id: UUID) -> list[tuple[str, str]]:
        """The names of the tools that may be chosen, and what each does."""
        async with self._db.transaction(system_actor(org_id)) as tx:
            rows = await tx.all(
                Row,
                """
                select t.server_id, t.tool, t.name, t.offered, t.digest, t.accepted, t.accepted_digest, t.risk,
                       t.is_gone
                from server_tools t join tool_servers s on s.id = t.server_id and s.is_enabled
                where t.org_id = any (current_orgs()) order by t.name
                """,
            )
        return [(row.name, _in_short(row.offered)) for row in rows if row.is_usable]

    async def refresh(self, org_id: UUID, server: ToolServer) -> None:
        """Ask a server what it offers, and keep that, or why it did not answer. Never raises for what it does."""
        try:
            async with (await self._line(org_id, server.id, most_s=REFRESH_S)).open() as conversation:
                offers = await conversation.offers()
        except CrewhallError as error:
            async with self._db.transaction(system_actor(org_id)) as tx:
                await keep_problem(tx, server.id, error.detail)
            return
        async with self._db.transaction(system_actor(org_id)) as tx:
            await keep_offers(tx, org_id, server.id, server.name, offers)

    def _tool(self, row: _Accepted) -> Tool:
        offer = row.accepted or row.offered

        async def call(caller: Caller, asked: Open) -> Any:
            return await self._call(caller, row, asked)

        return Tool(
            row.name,
            _described(row.server, offer),
            Open,
            call,
            is_repeatable=False,  # whatever it says of itself; a call whose settled risk is to read is made again
            title=offer.title or None,
            risk=row.risks,
            effect=lambda _asked: f"Calls {row.tool} of the tool server {row.server}, at {urlsplit(row.url).hostname}.",
            takes_schema={"type": "object", **offer.schema},
        )

    async def _call(self, caller: Caller, row: _Accepted, arguments: Open) -> Any:
        """Call it, if it is still what was accepted. Raises TOOL_CHANGED, TOOL_FAILED, OUTBOUND_FAILED.

        `row` is as it was when the turn began: whether it may be used is asked anew, here and there.
        """
        org_id = caller.actor.org
        async with (await self._line(org_id, row.server_id, accepted=row)).open() as conversation:
            offers = await conversation.offers()
            offered = next((one for one in offers if one.tool == row.tool), None)
            if offered is not None and offered.digest == row.accepted_digest:
                return await conversation.call(row.tool, arguments)
        async with self._db.transaction(system_actor(org_id)) as tx:
            await keep_offers(tx, org_id, row.server_id, row.server, offers)
        raise TOOL_CHANGED(
            f"{row.name} is no longer what was accepted, so it is held back. An owner or admin can look at it, "
            "under tool servers in the settings."
        )

    async def _line(
        self, org_id: UUID, server_id: UUID, *, accepted: _Accepted | None = None, most_s: float = math.inf
    ) -> "Line":
        """The line to a server; for a tool that was `accepted` only while it is. Raises TOOL_CHANGED."""
        async with self._db.transaction(system_actor(org_id)) as tx:
            server = await tx.find(
                _Server,
                """
                select s.id, s.name, s.url, s.sealed,
                       %(digest)s::text is null or s.is_enabled and exists (
                           select from server_tools t where t.org_id = s.org_id and t.server_id = s.id
                             and t.tool = %(tool)s and t.accepted_digest = %(digest)s) as is_open
                from tool_servers s where s.id = %(id)s and s.org_id = any (current_orgs())
                """,
                {
                    "id": server_id,
                    "tool": accepted.tool if accepted else None,
                    "digest": accepted.accepted_digest if accepted else None,
                },
            )
            if server is None or not server.is_open:
                raise TOOL_CHANGED(
                    f"{accepted.name if accepted else 'The server'} may not be used any more: it was held back, or its "
                    "server was switched off, moved or removed meanwhile."
                )
            key = await sealing_key(tx, self._settings.secrets_key) if server.sealed is not None else b""
        token = unseal(key, server.sealed, server.id.bytes) if server.sealed is not None else None
        module = await asyncio.to_thread(import_module, "crewhall.runtime.dialling")
        line: Line = module.Line(
            server.url,
            token,
            self._outbound,
            min(self._settings.tool_server_time_s, most_s),
            self._settings.tool_server_kb * 1024,
        )
        return line


def _in_short(offer: Offer) -> str:
    """What it does, for who chooses it."""
    said = " ".join((offer.description or offer.title).split())
    return said if len(said) <= SHORT else said[: SHORT - 1] + "…"


def _described(server: str, offer: Offer) -> str:
    """What the model reads: whose words they are comes first."""
    return f"(Tool {offer.tool} of the server {server}, in its own words:) {offer.description or offer.title}"
