"""What both engines share: reading records from the database, opening and closing heads, and telling of advances."""

from uuid import UUID

from crewhall.adapters.postgres.reading import READ_RECORDS, record_of_row
from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ids import new_id
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import Advanced, Record, Watcher

CHANNEL = "crewhall_records"


class ReadModel:
    """Records as the database has them. `process` names who writes from here: its own notices are passed over."""

    def __init__(self, db: Database, signals: Signals) -> None:
        self.db = db
        self.process = str(new_id())
        self._watchers: list[Watcher] = []
        signals.subscribe(CHANNEL, self._on_notice)
        signals.on_lost(lambda: self.tell(None))

    def watch(self, watcher: Watcher) -> None:
        """See MessageLog.watch."""
        self._watchers.append(watcher)

    async def read(self, org_id: UUID, conversation_id: UUID, *, after: int, limit: int) -> list[Record]:
        """See MessageLog.read."""
        async with self.db.transaction(system_actor(org_id)) as tx:
            cursor = await tx.connection.execute(
                READ_RECORDS, {"conversation": conversation_id, "after": after, "limit": limit}
            )
            return [record_of_row(row) for row in await cursor.fetchall()]

    async def head(self, org_id: UUID, conversation_id: UUID) -> int:
        """See MessageLog.head."""
        async with self.db.transaction(system_actor(org_id)) as tx:
            found = await tx.value(
                "select last_seq from conversation_heads where conversation_id = %(id)s", {"id": conversation_id}
            )
            return found or 0

    async def create(self, tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
        """See MessageLog.create: the head row is the topic."""
        await tx.run(
            "insert into conversation_heads (conversation_id, org_id) values (%(id)s, %(org)s)",
            {"id": conversation_id, "org": org_id},
        )

    async def retire(self, tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
        """See MessageLog.retire."""
        await self._set_open(tx, org_id, conversation_id, is_open=False)

    async def reopen(self, tx: Tx, org_id: UUID, conversation_id: UUID) -> None:
        """See MessageLog.reopen."""
        await self._set_open(tx, org_id, conversation_id, is_open=True)

    async def _set_open(self, tx: Tx, org_id: UUID, conversation_id: UUID, *, is_open: bool) -> None:
        await tx.run(
            """
            update conversation_heads set is_open = %(open)s, membership_version = membership_version + 1
            where conversation_id = %(id)s and org_id = %(org)s
            """,
            {"id": conversation_id, "org": org_id, "open": is_open},
        )

    def tell(self, advanced: Advanced | None) -> None:
        """Tell every watcher."""
        for watcher in self._watchers:
            watcher(advanced)

    def _on_notice(self, payload: str) -> None:
        """Another process wrote: its notice names conversations and their new heads, or `*` for very many."""
        process, _, places = payload.partition("|")
        if process == self.process:
            return
        if places == "*":
            self.tell(None)
            return
        for place in places.split(","):
            conversation, _, seq = place.partition(":")
            self.tell(Advanced(UUID(conversation), -1, int(seq), None))
