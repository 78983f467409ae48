"""What a topic says of its conversation, from its records alone: which count, and where. Pure."""

from typing import Any
from uuid import UUID

from crewhall.adapters.postgres.batch import LoggedRecord


class Replay:
    """One conversation's records in the topic's order, by the rules of `append_records` for what a log has already."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.messages = 0
        self._ids: set[UUID] = set()
        self._client_ids: set[tuple[UUID, str]] = set()

    def place(self, record: LoggedRecord) -> int | None:
        """The seq of the next record; None where it repeats another, by its id or its author's client id."""
        key = None if record.client_id is None else (record.author.id, record.client_id)
        if record.id in self._ids or key in self._client_ids:
            return None
        self._ids.add(record.id)
        if key is not None:
            self._client_ids.add(key)
        seq = record.seq or self.last_seq + 1
        self.last_seq = max(self.last_seq, seq)
        self.messages += record.type == "message"
        return seq


def row_of(seq: int, record: LoggedRecord) -> dict[str, Any]:
    """The row that the read model has of a record."""
    return {
        "seq": seq,
        "org_id": record.org_id,
        "id": record.id,
        "type": str(record.type),
        "target_id": record.target_id,
        "author_type": str(record.author.type),
        "author_id": record.author.id,
        "author_name": record.author.name,
        "role": str(record.role),
        "kind": str(record.kind),
        "title": record.title,
        "content": record.content,
        "html": record.html,
        "metadata": record.metadata or None,
        "parent_id": record.parent_id,
        "mentions": record.mentions or None,
        "client_id": record.client_id,
        "digest": record.digest if record.client_id is not None else None,
        "created_at": record.created_at,
    }
