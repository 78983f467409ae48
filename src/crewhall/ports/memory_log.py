"""The message log in memory: the fake behind the port, which passes the same contract suite."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID
from crewhall.ports.message_log import (
    CLIENT_ID_REUSED,
    CONVERSATION_CLOSED,
    MAX_CLIENT_ID_LENGTH,
    MEMBERSHIP_CHANGED,
    Advanced,
    Appended,
    LogState,
    NewRecord,
    Record,
    RecordType,
    Watcher,
)


@dataclass
class _Topic:
    is_open: bool = True
    membership_version: int = 1
    records: list[Record] = field(default_factory=list)
    by_client_id: dict[tuple[UUID, str], tuple[bytes, Record]] = field(default_factory=dict)


class MemoryMessageLog:
    """Keeps topics in a dictionary; nothing survives the process."""

    def __init__(self) -> None:
        self._topics: dict[tuple[UUID, UUID], _Topic] = {}
        self._watchers: list[Callable[[Advanced | None], None]] = []

    def watch(self, watcher: Watcher) -> None:
        """See MessageLog.watch."""
        self._watchers.append(watcher)

    async def append(self, record: NewRecord) -> Appended:
        """See MessageLog.append."""
        if record.client_id is not None and not 1 <= len(record.client_id) <= MAX_CLIENT_ID_LENGTH:
            raise INVALID(f"client_id takes 1 to {MAX_CLIENT_ID_LENGTH} characters.", field="client_id")
        if "\0" in record.content:
            raise INVALID("The message cannot be stored: it holds a NUL character.")
        topic = self._topics.get((record.org_id, record.conversation_id))
        if topic is None or not topic.is_open:
            raise CONVERSATION_CLOSED("This conversation is archived or gone: it takes no more messages.")
        if known := self._known(topic, record):
            return known
        if record.membership_version not in {None, topic.membership_version}:
            raise MEMBERSHIP_CHANGED("Membership changed while the message was sent. Send it again.")
        return self._write(topic, record)

    def _known(self, topic: _Topic, record: NewRecord) -> Appended | None:
        found = topic.by_client_id.get((record.author.id, record.client_id or ""))
        if not record.client_id or not found:
            return None
        if found[0] != record.body_digest():
            raise CLIENT_ID_REUSED("This client_id was used for a message with another body.", seq=found[1].seq)
        return Appended(found[1].id, found[1].seq, found[1].created_at, is_new=False)

    def _write(self, topic: _Topic, record: NewRecord) -> Appended:
        previous = topic.records[-1].seq if topic.records else 0
        fields = {name: getattr(record, name) for name in record.__struct_fields__ if name != "membership_version"}
        written = Record(**fields, seq=previous + 1, created_at=utc_now())
        topic.records.append(written)
        if record.client_id:
            topic.by_client_id[record.author.id, record.client_id] = (record.body_digest(), written)
        shown = None if record.type is RecordType.DELIVERY else [written]
        for watcher in self._watchers:
            watcher(Advanced(record.conversation_id, previous, written.seq, shown))
        return Appended(written.id, written.seq, written.created_at, is_new=True)

    async def read(self, org_id: UUID, conversation_id: UUID, *, after: int, limit: int) -> list[Record]:
        """See MessageLog.read."""
        topic = self._topics.get((org_id, conversation_id))
        if topic is None:
            return []
        overlays = self._overlays(org_id)
        return [_shown(record, overlays) for record in topic.records if record.seq > after][:limit]

    def _overlays(self, org_id: UUID) -> dict[UUID | None, Record]:
        """The last edit of each edited message of the organization, or its deletion."""
        found: dict[UUID | None, Record] = {}
        for record in (one for key, topic in self._topics.items() if key[0] == org_id for one in topic.records):
            if record.type in {RecordType.EDIT, RecordType.DELETION}:
                found[record.target_id] = record
        return found

    async def head(self, org_id: UUID, conversation_id: UUID) -> int:
        """See MessageLog.head."""
        topic = self._topics.get((org_id, conversation_id))
        return topic.records[-1].seq if topic and topic.records else 0

    def state(self) -> LogState:
        """See MessageLog.state."""
        return LogState("memory")

    async def create(self, tx: Tx | None, org_id: UUID, conversation_id: UUID) -> None:
        """See MessageLog.create."""
        self._topics[org_id, conversation_id] = _Topic()

    async def retire(self, tx: Tx | None, org_id: UUID, conversation_id: UUID) -> None:
        """See MessageLog.retire."""
        self._set_open(org_id, conversation_id, is_open=False)

    async def reopen(self, tx: Tx | None, org_id: UUID, conversation_id: UUID) -> None:
        """See MessageLog.reopen."""
        self._set_open(org_id, conversation_id, is_open=True)

    def _set_open(self, org_id: UUID, conversation_id: UUID, *, is_open: bool) -> None:
        topic = self._topics[org_id, conversation_id]
        topic.is_open = is_open
        topic.membership_version += 1


def _shown(record: Record, overlays: dict[UUID | None, Record]) -> Record:
    overlay = overlays.get(record.target_id or record.id)
    if overlay is None:
        return msgspec.structs.replace(record)
    if record.type is RecordType.DELIVERY:
        return msgspec.structs.replace(record, metadata=_delivered(record.metadata or {}, overlay))
    if record.type in {RecordType.MESSAGE, RecordType.EDIT} and overlay.type is RecordType.DELETION:
        return msgspec.structs.replace(record, title=None, content="", html="", metadata=None, mentions=[])
    return msgspec.structs.replace(record)


def _delivered(metadata: dict[str, Any], overlay: Record) -> dict[str, Any]:
    """A delivery's metadata with the message as its edit or deletion leaves it."""
    changed: dict[str, Any] = {"title": overlay.title, "content": overlay.content, "html": overlay.html or ""}
    changed["mentions"] = [str(mentioned) for mentioned in overlay.mentions]
    if overlay.type is RecordType.DELETION:
        changed |= {"title": None, "metadata": {}, "deleted_at": overlay.created_at.isoformat()}
    else:
        changed["edited_at"] = overlay.created_at.isoformat()
    return metadata | {"message": metadata["message"] | changed}
