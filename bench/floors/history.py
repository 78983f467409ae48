"""The floors of history: 50 rows selected and made JSON by the database; and, for the newest page, kept bytes.

Left out: who calls, whether they may, row-level security, overlays (edits, reactions, replies).
"""

from typing import LiteralString
from urllib.parse import parse_qs
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from bench.floors.asgi import Receive, Scope, Send, answer

PAGE: LiteralString = """
select coalesce(json_agg(p order by p.seq), '[]')::text from (
    select id, conversation_id, seq, type, author_type, author_id, author_name, role, kind, status, title, content,
           html, parent_id, client_id, created_at
    from message_records where conversation_id = %s and seq < %s order by seq desc limit 50) p
"""


class History:
    """`GET /history/<conversation>?before=<seq>`, over as many connections as Crewhall's pool has."""

    def __init__(self, url: str) -> None:
        kwargs = {"autocommit": True, "prepare_threshold": 0}
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            url, min_size=10, max_size=10, open=False, kwargs=kwargs
        )
        self._kept: dict[str, bytes] = {}

    async def start(self) -> None:
        """Open the connections."""
        await self._pool.open(wait=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a page."""
        query = parse_qs(scope["query_string"].decode())
        before = int(query["before"][0])
        await answer(send, 200, await self._page(scope["path"].rpartition("/")[2], before))

    async def newest(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page kept in memory: `GET /newest/<conversation>`."""
        conversation = scope["path"].rpartition("/")[2]
        page = self._kept.get(conversation)
        if page is None:
            page = self._kept[conversation] = await self._page(conversation, 2**62)
        await answer(send, 200, page)

    async def _page(self, conversation: str, before: int) -> bytes:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(PAGE, (UUID(conversation), before))).fetchone()
        assert row is not None
        return b'{"items":%b}' % row[0].encode()
