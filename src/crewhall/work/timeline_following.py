"""Where events come from that nobody posts: messages that are marked, the wiki's steps, trust set by hand."""

import msgspec

from crewhall.agents.events import AgentStatusChanged, AgentTrustSet
from crewhall.kernel import events
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.knowledge.events import EntryStepTaken
from crewhall.work.timeline import CHANNEL, record_event
from crewhall.work.timeline_content import TrustChanged, WikiContributed
from crewhall.work.timeline_vocabulary import EventAudience

BATCH = 2000
"""Records of one step: reading past what is not told of is cheap, and cheaper in one go."""


class _Derived(msgspec.Struct):
    seen: int
    organizations: list[str]


class EventDeriver:
    """Tells on the timeline of messages that are marked: the log's consumer `timeline`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def step(self) -> int:
        """Derive the next batch, unless another process does; gives the number of records seen."""
        async with self._db.transaction(None, lazily=True) as tx:
            derived = await tx.one(
                _Derived,
                "select seen, organizations::text[] as organizations from derive_events(%(size)s)",
                {"size": BATCH},
            )
            for org in derived.organizations:
                await tx.notify(CHANNEL, org)
        return derived.seen


def follow_other_domains() -> None:
    """Record what other domains tell of, in their transactions."""
    events.subscribe(EntryStepTaken, _on_entry_step)
    events.subscribe(AgentTrustSet, _on_trust_set)
    events.subscribe(AgentStatusChanged, _on_status_changed)


async def _on_entry_step(tx: Tx, actor: Actor, step: EntryStepTaken) -> None:
    """What is approved everybody in scope may read; of what waits or was rejected its author and who decides know."""
    content = WikiContributed(
        entry_id=step.entry_id,
        version_id=step.version_id,
        title=step.title,
        status=step.status,
        by=actor.name if actor.id != step.author_id else None,
    )
    author = Actor(type=step.author_type, id=step.author_id, org_id=actor.org, name=step.author_name)
    audience = EventAudience.ORGANIZATION if step.status == "approved" else EventAudience.MANAGERS
    await record_event(
        tx, actor.org, content, author=author, entry_id=step.entry_id, project_id=step.project_id, audience=audience
    )


async def _on_trust_set(tx: Tx, actor: Actor, change: AgentTrustSet) -> None:
    content = TrustChanged(
        agent_id=change.agent_id, before=change.before, after=change.after, reason=f"Set by {actor.name}."
    )
    await _record_trust(tx, actor, content)


async def _on_status_changed(tx: Tx, actor: Actor, change: AgentStatusChanged) -> None:
    trust = await tx.value(
        "select trust_score::float8 from agents where org_id = any (current_orgs()) and id = %(id)s",
        {"id": change.agent_id},
    )
    content = TrustChanged(
        agent_id=change.agent_id, before=trust, after=trust, reason=change.reason or f"Set by {actor.name}.",
        status_before=str(change.before), status_after=str(change.after),
    )  # fmt: skip
    await _record_trust(tx, actor, content)


async def _record_trust(tx: Tx, actor: Actor, content: TrustChanged) -> None:
    """It never has an author; it is about the agent, and mentions it."""
    await record_event(tx, actor.org, content, agent_id=content.agent_id, mentions=[content.agent_id])
