"""#audit: each administrative act is told there once, in words, to the owners and admins who may read it.

The checkpoint moves only after the log has acknowledged the batch's messages; each carries the client id
`audit:<act's id>`, so that a batch that is done again after a crash doubles nothing.
"""

from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations.appending import append_all, try_turn
from crewhall.conversations.consumers import BATCH
from crewhall.conversations.markdown import escape_markdown, render_markdown
from crewhall.identity import Names, actor_name, words_for
from crewhall.kernel.actor import ActorType, system_actor
from crewhall.kernel.audit import CHANNEL
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import Author, MessageKind, MessageLog, MessageRole, NewRecord, Watcher


class _Due(msgspec.Struct):
    """An act to tell; `channel_id` is None where the organization has no #audit."""

    position: int
    org_id: UUID
    channel_id: UUID | None
    id: UUID
    actor_type: ActorType
    actor_id: UUID
    action: str
    resource_type: str | None
    resource_id: str | None
    details: dict[str, Any]
    created_at: str
    names: Names


class AuditWatch:
    """Tells of acts that were written, as the log tells of advances."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    def watch(self, watcher: Watcher) -> None:
        """Tell the watcher whenever there may be new acts; call before the signals start."""
        self._signals.subscribe(CHANNEL, lambda _payload: watcher(None))
        self._signals.on_lost(lambda: watcher(None))


class AuditTeller:
    """Posts what the audit log says in each organization's #audit."""

    def __init__(self, db: Database, log: MessageLog) -> None:
        self._db = db
        self._log = log

    async def step(self) -> int:
        """Tell the next batch, unless another process does; gives the number of acts seen."""
        async with self._db.transaction(None) as tx:
            if not await try_turn(tx, "audit"):
                return 0
            acts = await tx.all(
                _Due,
                """
                select a.position, a.org_id, a.channel_id, a.id, a.actor_type, a.actor_id, a.action, a.resource_type,
                       a.resource_id, a.details, wire_time(a.created_at) as created_at, a.names
                from consumer_checkpoints k cross join lateral audit_after(k.position, %(size)s) a
                where k.consumer = 'audit' order by a.position, a.id
                """,
                {"size": BATCH},
            )
            if not acts:
                return 0
            await append_all(self._log, [_message(act, act.channel_id) for act in acts if act.channel_id is not None])
            await tx.run(
                "update consumer_checkpoints set position = %(position)s where consumer = 'audit'",
                {"position": acts[-1].position},
            )
        return len(acts)


def _message(act: _Due, channel_id: UUID) -> NewRecord:
    name = actor_name(act.actor_type, act.actor_id, act.names)
    did = words_for(act.action, act.resource_id, act.details, act.names)
    content = escape_markdown(f"{name} {did}.")
    return NewRecord(
        org_id=act.org_id,
        conversation_id=channel_id,
        author=Author.of(system_actor(act.org_id)),
        role=MessageRole.SYSTEM,
        kind=MessageKind.UPDATE,
        content=content,
        html=render_markdown(content),
        metadata={
            "act_id": str(act.id),
            "action": act.action,
            "actor": {"type": str(act.actor_type), "id": str(act.actor_id), "name": name},
            "resource_type": act.resource_type,
            "resource_id": act.resource_id,
            "acted_at": act.created_at,
        },
        client_id=f"audit:{act.id}",
    )
