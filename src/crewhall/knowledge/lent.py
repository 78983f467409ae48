"""Knowledge that is lent with an agent: what it finds of its lender's, and the passages that its answers cite.

A borrowed agent whose grant says so looks things up in the sources of the agent that it stands in for. These are
searched as that agent, within its organization, by the tenant policies that hold there; of what is found only the
passage crosses. Who reads an answer that cites one may open that passage, for as long as the grant lends it.
"""

from collections.abc import Iterable
from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.identity import Permission, check_permission
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import NOT_FOUND
from crewhall.knowledge.schemas_search import Finding, FindingKind, LentPassage, Searched
from crewhall.knowledge.snippets import show_chunks

LENT = "/lent/"
"""Where a passage that is lent opens."""
_FIND: LiteralString = """
select g.id, g.org_id, g.agent_id, g.lender_name from agent_grants g
where g.borrower_org_id = any (current_orgs()) and g.borrowed_agent_id = %(agent)s
  and g.ended_at is null and g.knowledge
"""
_IS_OPEN: LiteralString = """
select exists (
    select from agent_grants g join organizations o on o.id = g.org_id and o.deleted_at is null
    where g.id = %(id)s and g.org_id = any (current_orgs()) and g.ended_at is null and g.knowledge)
"""
_NOTE: LiteralString = """
insert into lent_citations (org_id, conversation_id, run_id, agent_id, chunk_id)
select %(org)s, %(conversation)s, %(run)s, %(agent)s, chunk from unnest(%(chunks)s::uuid[]) chunk
on conflict do nothing
"""


class Loan(msgspec.Struct, frozen=True):
    """Whose knowledge an agent is lent: that of an agent of another organization."""

    id: UUID
    org_id: UUID
    agent_id: UUID
    lender_name: str

    @property
    def owner(self) -> Actor:
        """The agent whose sources these are, as it looks things up at home."""
        return Actor(type=ActorType.AGENT, id=self.agent_id, org_id=self.org_id)


async def find_loan(tx: Tx, actor: Actor) -> Loan | None:
    """Whose knowledge an agent is lent, if it is one that is lent some."""
    return await tx.find(Loan, _FIND, {"agent": actor.id}) if actor.type is ActorType.AGENT else None


async def is_lent(tx: Tx, loan: Loan) -> bool:
    """Whether it is lent still, asked within the lender's organization."""
    return bool(await tx.value(_IS_OPEN, {"id": loan.id}))


def narrowed_to_loan(wanted: Searched, actor: Actor, loan: Loan) -> Searched | None:
    """What of a search goes through what is lent; None where it asks for something else."""
    asks_elsewhere = wanted.conversation_id or wanted.source_id or wanted.document_id
    asks_for_another = wanted.agent_id not in {None, actor.id}
    if asks_elsewhere or asks_for_another or (wanted.kinds and FindingKind.SOURCE not in wanted.kinds):
        return None
    return msgspec.structs.replace(wanted, kinds=(FindingKind.SOURCE,), agent_id=loan.agent_id)


async def show_lent(tx: Tx, loan: Loan, words: str, chunks: dict[UUID, UUID]) -> dict[UUID, Finding]:
    """Show chunks that are lent, given with their documents: where they stand at home is not told."""
    found = await show_chunks(tx, loan.owner, words, chunks, None, of_agent=loan.agent_id) if chunks else []
    for one in found:
        one.url, one.document_id, one.original_url = f"{LENT}{one.id}", None, None
        one.lent_by = loan.lender_name
    return {one.id: one for one in found}


async def access_lent_passage(tx: Tx, actor: Actor, chunk_id: UUID) -> LentPassage:
    """Return a passage that is lent and that the actor may open, or raise NOT_FOUND, FORBIDDEN."""
    check_permission(actor, Permission.ORGANIZATION_READ)
    found = await tx.find(LentPassage, "select * from lent_passage(%(id)s)", {"id": chunk_id})
    if found is None:
        raise NOT_FOUND("This passage is not lent any more, or its answer is not shared with you.")
    return found


async def note_citations(tx: Tx, agent: Actor, run_id: UUID, conversation_id: UUID, urls: Iterable[str]) -> None:
    """Note which of the passages that an answer cites are lent, so that its readers may open them."""
    chunks = [UUID(url.removeprefix(LENT)) for url in urls if url.startswith(LENT)]
    if chunks:
        values = {"org": agent.org, "conversation": conversation_id, "run": run_id, "agent": agent.id}
        await tx.run(_NOTE, values | {"chunks": chunks})
