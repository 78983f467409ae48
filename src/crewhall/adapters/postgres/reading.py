"""Rows of `message_records` as records."""

from collections.abc import Sequence
from typing import Any, LiteralString

from crewhall.kernel.actor import ActorType
from crewhall.ports.message_log import Author, MessageKind, MessageRole, Record, RecordType

READ_RECORDS: LiteralString = """
    select r.org_id, r.conversation_id, r.seq, r.id, r.type, r.author_type, r.author_id, r.author_name, r.role, r.kind,
           case when d.gone then '' else r.content end, case when not d.gone then r.title end,
           case when d.gone then '' else r.html end,
           case when r.type = 'delivery' then delivered_now(r.metadata, r.conversation_id, r.target_id)
                when not d.gone then r.metadata end,
           r.parent_id, r.target_id,
           case when not d.gone then r.mentions end, r.client_id, r.created_at
    from message_records r
    left join message_overlays o on o.message_id = coalesce(r.target_id, r.id) and r.type in ('message', 'edit')
    cross join lateral (select o.deleted_at is not null as gone) d
    where r.conversation_id = %(conversation)s and r.seq > %(after)s order by r.seq limit %(limit)s
"""


def record_of_row(row: Sequence[Any]) -> Record:
    """Make a record from a row of READ_RECORDS."""
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
