"""Quotes: which conversations a tool's result lays open, so that a run shows it to none but who may read them.

Found by id: a tool that shows something of a conversation names it. From the first result on that somebody may not
read, whatever the agent thought, asked and got may quote it, too.
"""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec

from crewhall.conversations import Verb, has_access
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.runtime.journal import Step
from crewhall.runtime.vocabulary import StepKind

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
OPEN_TO_READERS = frozenset({StepKind.CONTEXT, StepKind.SUMMARY, StepKind.REQUEST, StepKind.POST})
"""Steps that hold nothing but what the run's own conversation shows; a context with what is kept of a person is not."""


class Sealed(msgspec.Struct, frozen=True):
    """What of a run somebody may not see: the steps that may quote, from an ordinal on. None: nothing is sealed."""

    first: int | None = None

    def covers(self, ordinal: int, kind: StepKind) -> bool:
        """Whether a step is sealed."""
        if self.first is None or ordinal < self.first:
            return False
        return ordinal == self.first or kind not in OPEN_TO_READERS


class _Quoting(msgspec.Struct):
    ordinal: int
    quotes: list[UUID]
    persons: list[UUID] | None


def may_quote(steps: Iterable[Step]) -> bool:
    """Whether what an agent thinks after these steps may quote what not everybody here may read."""
    return any(step.kind is StepKind.RESULT and ("quotes" in step.body or "persons" in step.body) for step in steps)


def ids_in(values: list[Any]) -> set[UUID]:
    """Every id that stands in JSON values."""
    return {UUID(one) for one in _ID.findall(msgspec.json.encode(values).decode().lower())}


async def find_quotes(tx: Tx, here: UUID, named: set[UUID]) -> list[UUID]:
    """Return the conversations among those ids, and those of messages among them.

    Left out are those that everybody may read, and the run's own.
    """
    found: list[UUID] = await tx.values(
        """
        select c.id from conversations c
        where c.org_id = any (current_orgs()) and c.type <> 'public'
          and (c.id = any (%(ids)s) or c.id in (
              select r.conversation_id from message_records r where r.id = any (%(ids)s)))
          and c.id <> %(here)s
        order by c.id
        """,
        {"ids": list(named), "here": here},
    )
    return found


async def sealed_for(tx: Tx, actor: Actor, run_id: UUID) -> Sealed:
    """Return what of a run the actor may not see: from the first result on that quotes what it may not read."""
    quoting = await tx.all(
        _Quoting,
        """
        select s.ordinal, coalesce(s.body -> 'quotes', '[]') as quotes, s.body -> 'persons' as persons
        from run_steps s
        where s.run_id = %(run)s and s.kind in ('result', 'context') and (s.body ? 'quotes' or s.body ? 'persons')
        order by s.ordinal
        """,
        {"run": run_id},
    )
    known: dict[UUID, bool] = {}
    for step in quoting:
        if step.persons is not None and step.persons != [actor.id]:
            return Sealed(step.ordinal)
        for conversation_id in step.quotes:
            if conversation_id not in known:
                known[conversation_id] = await has_access(tx, actor, conversation_id, Verb.READ)
            if not known[conversation_id]:
                return Sealed(step.ordinal)
    return Sealed()
