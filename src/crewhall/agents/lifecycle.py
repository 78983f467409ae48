"""What a process needs to serve agents: their keys are verified, their uses counted, their presence watched."""

from msgspec import Struct

from crewhall.agents.access import describe_itself
from crewhall.agents.actions import release_agents
from crewhall.agents.events import AgentChanged, AgentDeleted
from crewhall.agents.keys import KEY_PREFIX
from crewhall.agents.lending import end_grants_of, follow_agent
from crewhall.agents.presence import PresenceChange, PresenceWatch
from crewhall.agents.resting import lay_to_rest, leave_resting, wake
from crewhall.agents.settings import AgentSettings
from crewhall.agents.templates import plant_templates
from crewhall.agents.usage import KeyUses
from crewhall.agents.verification import KeyVerifier
from crewhall.agents.vocabulary import Visibility
from crewhall.identity import provide_agent_profile
from crewhall.identity.events import InstallationSeeded, MemberDeactivated, MemberLeft, MemberReactivated
from crewhall.kernel import events
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Database
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.signals import Signals
from crewhall.kernel.verified import VerifiedTokens
from crewhall.ports.live import Ephemeral, Live


class AgentParts(Struct, frozen=True):
    """The parts of one process; `presence` is the one that faces touch."""

    keys: KeyVerifier
    uses: KeyUses
    presence: PresenceWatch

    async def close(self) -> None:
        """Stop watching and write what was counted; the database must still be open."""
        await self.presence.close()
        await self.keys.close()
        await self.uses.close()


async def start_agents(
    *,
    db: Database,
    verified: VerifiedTokens,
    limiter: RateLimiter,
    live: Live,
    settings: AgentSettings,
    signals: Signals | None = None,
) -> AgentParts:
    """Start serving agents, before the signals start; close what this returns before the database."""
    events.subscribe(InstallationSeeded, plant_templates)
    events.subscribe(MemberLeft, release_agents)
    events.subscribe(MemberLeft, leave_resting)
    events.subscribe(MemberDeactivated, lay_to_rest)
    events.subscribe(MemberReactivated, wake)
    events.subscribe(AgentChanged, follow_agent)
    events.subscribe(AgentDeleted, end_grants_of)
    provide_agent_profile(describe_itself)
    uses = KeyUses(db, flush_after_s=settings.key_usage_flush_s)
    await uses.ensure_partitions()
    keys = KeyVerifier(db, limiter, settings)
    verified.register(KEY_PREFIX, keys.verify, uses.count)
    presence = PresenceWatch(
        db,
        timeout_s=settings.presence_timeout_s,
        write_every_s=settings.presence_write_s,
        grace_s=settings.presence_grace_s,
        signals=signals,
        on_change=lambda change: show_presence(live, change),
    )
    return AgentParts(keys, uses, presence)


def show_presence(live: Live, change: PresenceChange) -> None:
    """Tell the organization's listeners; of agents that are not public they hear nothing."""
    if change.visibility is not Visibility.PUBLIC:
        return
    agent = Actor(type=ActorType.AGENT, id=change.agent_id, org_id=change.org_id, name=change.name)
    live.emit(agent, Ephemeral(change.org_id, None, "presence", {"presence": str(change.presence)}))
