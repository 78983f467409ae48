"""Rows of `message_records` as records."""

from collections.abc import Sequence
from typing import Any, LiteralString

from crewhall.kernel.actor import ActorType
from crewhall.ports.message_log import Author, MessageKind, MessageRole, Record, RecordType

RECORD_COLUMNS: LiteralString = """
    org_id, conversation_id, seq, id, type, author_type, author_id, author_name, role, kind, content, title, html,
    metadata, parent_id, target_id, mentions, client_id, created_at
"""
READ_RECORDS: LiteralString = (
    "select"
    + RECORD_COLUMNS
    + """
    from message_records where conversation_id = %(conversation)s and seq > %(after)s order by seq limit %(limit)s
    """
)


def record_of_row(row: Sequence[Any]) -> Record:
    """Make a record from a row of RECORD_COLUMNS."""
    return Record(
        org_id=row[0],
        conversation_id=row[1],
        seq=row[2],
        id=row[3],
        type=RecordType(row[4]),
        author=Author(ActorType(row[5]), row[6], row[7]),
        role=MessageRole(row[8]),
        kind=MessageKind(row[9]),
        content=row[10],
        title=row[11],
        html=row[12],
        metadata=row[13],
        parent_id=row[14],
        target_id=row[15],
        mentions=row[16] or [],
        client_id=row[17],
        created_at=row[18],
    )
