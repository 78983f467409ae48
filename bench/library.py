"""Documents put into a ground's organization as extraction and embedding leave them: rows, in bulk."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import LiteralString
from uuid import UUID

import msgspec
import psycopg

from bench.ground import Ground
from crewhall.kernel.ids import new_id

KEPT: LiteralString = """
with blob as (
    insert into blobs (org_id, sha256, key, size) values (%(org)s, %(sha256)s, 'bench/' || %(id)s, 1)
), file as (
    insert into files (
        id, org_id, conversation_id, created_by_type, created_by, name, media_type, size, sha256, attached_at)
    values (%(id)s, %(org)s, %(conversation)s, 'user', %(user)s, %(title)s, 'application/x-bench', 1, %(sha256)s, now())
), document as (
    insert into documents (id, org_id, sha256, media_type, name, size, status, title, chunks, ready_at)
    values (%(id)s, %(org)s, %(sha256)s, 'application/x-bench', %(title)s, 1, 'ready', %(title)s, %(chunks)s, now())
)
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id)
values (%(id)s, %(org)s, %(id)s, 'file', %(id)s, %(conversation)s)
"""
CHUNKS: LiteralString = """
insert into chunks (id, org_id, document_id, position, content, heading, starts, ends, vector)
values (%(chunk)s, %(org)s, %(id)s, %(position)s, %(content)s, %(heading)s, 0, 1,
        chunk_vector('english', %(title)s, %(heading)s, %(content)s))
"""
EMBEDDINGS: LiteralString = """
insert into embeddings_384 (chunk_id, model, org_id, document_id, embedding)
values (%(chunk)s, %(model)s, %(org)s, %(id)s, %(embedding)s)
"""


class Piece(msgspec.Struct, frozen=True):
    """A chunk to keep: its text, what it stands under, and what it means (as the database reads vectors)."""

    content: str
    heading: tuple[str, ...]
    embedding: str


class Shelf:
    """Where documents are put: a ground's organization, in one of its channels."""

    def __init__(self, ground: Ground, connection: psycopg.Connection, conversation: str, model: str) -> None:
        self._connection = connection
        self._scope = {
            "org": ground.org_id, "user": ground.user_id, "conversation": conversation, "model": model,
        }  # fmt: skip

    def put(self, title: str, pieces: Sequence[Piece]) -> list[UUID]:
        """Keep a document; gives its chunks' ids."""
        document = new_id()
        values = self._scope | {"id": document, "title": title, "chunks": len(pieces),
                                "sha256": sha256(document.bytes).digest()}  # fmt: skip
        rows = [
            values | {"chunk": new_id(), "position": place, "content": one.content, "heading": list(one.heading),
                      "embedding": one.embedding}
            for place, one in enumerate(pieces)
        ]  # fmt: skip
        self._connection.execute(KEPT, values)
        with self._connection.cursor() as cursor:
            cursor.executemany(CHUNKS, rows)
            cursor.executemany(EMBEDDINGS, rows)
        return [row["chunk"] for row in rows]


def settle(connection: psycopg.Connection, tables: Iterable[str] = ("chunks", "embeddings_384", "documents")) -> None:
    """Bring the statistics up to date, as the database does by itself in a while."""
    for table in tables:
        connection.execute(psycopg.sql.SQL("vacuum analyze {}").format(psycopg.sql.Identifier(table)))
