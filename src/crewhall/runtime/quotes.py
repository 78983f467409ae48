"""Quotes: which conversations and documents a run lays open, so that it shows them to none but who may read them.

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
    documents: list[UUID]


def may_quote(steps: Iterable[Step]) -> bool:
    """Whether what an agent thinks after these steps may quote what not everybody here may read."""
    return any(
        "documents" in step.body or (step.kind is StepKind.RESULT and ("quotes" in step.body or "persons" in step.body))
        for step in steps
        if step.kind in {StepKind.RESULT, StepKind.CONTEXT}
    )


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


async def find_closed(tx: Tx, here: UUID, named: set[UUID]) -> list[UUID]:
    """Return the documents among those ids that not everybody may read who reads this conversation.

    What an agent's own sources hold is there for its answers, and the wiki for everybody in the organization.
    """
    if not named:
        return []
    found: list[UUID] = await tx.values(
        """
        select d.id from documents d
        where d.org_id = any (current_orgs()) and d.id = any (%(ids)s) and not exists (
            select from document_origins o
            left join conversations c on c.id = o.conversation_id
            left join wiki_heads h on h.org_id = o.org_id and h.entry_id = o.entry_id
            where o.org_id = d.org_id and o.document_id = d.id
              and (o.kind = 'source' or c.id = %(here)s or c.type = 'public'
                   or (o.kind = 'wiki' and h.project_id is null)))
        order by d.id
        """,
        {"ids": list(named), "here": here},
    )
    return found


async def sealed_for(tx: Tx, actor: Actor, run_id: UUID) -> Sealed:
    """Return what of a run the actor may not see: from the first result on that quotes what it may not read."""
    quoting = await tx.all(
        _Quoting,
        """
        select s.ordinal, coalesce(s.body -> 'quotes', '[]') as quotes, s.body -> 'persons' as persons,
               coalesce(s.body -> 'documents', '[]') as documents
        from run_steps s
        where s.run_id = %(run)s and s.kind in ('result', 'context')
          and s.body ?| array['quotes', 'persons', 'documents']
        order by s.ordinal
        """,
        {"run": run_id},
    )
    documents = {one for step in quoting for one in step.documents}
    closed = documents - set(
        await tx.values("select document_id from origins_of(%(ids)s)", {"ids": list(documents)}) if documents else ()
    )
    known: dict[UUID, bool] = {}
    for step in quoting:
        if step.persons is not None and step.persons != [actor.id]:
            return Sealed(step.ordinal)
        if not closed.isdisjoint(step.documents):
            return Sealed(step.ordinal)
        for conversation_id in step.quotes:
            if conversation_id not in known:
                known[conversation_id] = await has_access(tx, actor, conversation_id, Verb.READ)
            if not known[conversation_id]:
                return Sealed(step.ordinal)
    return Sealed()
