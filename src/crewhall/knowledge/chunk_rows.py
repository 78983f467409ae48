"""Chunks written to the database: those that are there already stay, with their ids and their vectors."""

from collections.abc import Sequence
from typing import LiteralString
from uuid import uuid4

import msgspec
from psycopg.types.json import Json

from crewhall.kernel.db import Tx
from crewhall.knowledge.passages import Chunk
from crewhall.knowledge.work import Work

_ROWS: LiteralString = """
json_to_recordset(%(rows)s) as r (
    id uuid, position integer, content text, overlap integer, page integer, heading text[], starts bigint, ends bigint)
"""
_DROP_CHANGED: LiteralString = (
    "delete from chunks c using "
    + _ROWS
    + """
where c.org_id = %(org)s and c.document_id = %(document)s and c.position = r.position
  and (c.content, c.overlap, c.page, c.heading, c.starts)
      is distinct from (r.content, r.overlap, r.page, r.heading, r.starts)
"""
)
_HOLD_LANGUAGE: LiteralString = "select from organizations where id = %(org)s for share"
"""Whoever chooses another language waits for what is being written in this one, and rewrites it then."""
_INSERT: LiteralString = (
    """
insert into chunks (id, org_id, document_id, position, content, overlap, page, heading, starts, ends, vector)
select r.id, %(org)s, %(document)s, r.position, r.content, r.overlap, r.page, r.heading, r.starts, r.ends,
       chunk_vector(g.search_language, d.title, r.heading, r.content)
from documents d join organizations g on g.id = d.org_id cross join """
    + _ROWS
    + """
where d.org_id = %(org)s and d.id = %(document)s on conflict (document_id, position) do nothing
"""
)


async def write_chunks(tx: Tx, work: Work, chunks: Sequence[Chunk]) -> None:
    """Write chunks that follow one another; what stood in the place of one and is another text goes."""
    rows = [msgspec.to_builtins(chunk) | {"id": str(uuid4())} for chunk in chunks]  # nobody learns when from an id
    values = {"org": work.org_id, "document": work.id, "rows": Json(rows)}
    await tx.run(_DROP_CHANGED, values)
    await tx.run(_HOLD_LANGUAGE, values)
    await tx.run(_INSERT, values)


async def drop_chunks_from(tx: Tx, work: Work, position: int) -> None:
    """Forget what a former reading had from this place on."""
    await tx.run(
        "delete from chunks where org_id = %(org)s and document_id = %(document)s and position >= %(position)s",
        {"org": work.org_id, "document": work.id, "position": position},
    )
    if position == 0:
        await tx.run("update documents set chunks = 0 where id = %(id)s", {"id": work.id})
