"""What a process needs for agents to take turns."""

from collections.abc import Sequence

from msgspec import Struct

from crewhall.agents import AgentDeleted
from crewhall.conversations import Commands, Consumer, Posting
from crewhall.governance import BudgetWarner
from crewhall.identity.events import InstallationSeeded, MemberDeactivated, OrganizationFounded, OrganizationGivenUp
from crewhall.kernel.db import Database
from crewhall.kernel.events import subscribe
from crewhall.kernel.signals import Signals
from crewhall.kernel.tracing import NoSpans
from crewhall.kernel.verified import VerifiedTokens
from crewhall.ports.agent_topics import AgentTopics
from crewhall.ports.knowledge import Knowledge
from crewhall.ports.live import Live
from crewhall.ports.message_log import MessageLog
from crewhall.runtime.calling import RuntimeCaller
from crewhall.runtime.departing import end_runs_of
from crewhall.runtime.derived import TURN_PREFIX, TurnVerifier
from crewhall.runtime.executor import Executor
from crewhall.runtime.expiry import ApprovalClock
from crewhall.runtime.founding import dismiss_first_agents, hire_first_agents
from crewhall.runtime.jobs import TurnWorker
from crewhall.runtime.schedule_clock import ScheduleClock
from crewhall.runtime.scheduler import Scheduler
from crewhall.runtime.server_tools import ToolServers
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.task_commands import TaskCommands
from crewhall.runtime.topic_feeding import TopicFeeding
from crewhall.runtime.topic_hearing import OutboxHearing
from crewhall.runtime.topics import retire_topics_of
from crewhall.runtime.triggers import TriggerDeriver
from crewhall.runtime.trying import Trials
from crewhall.runtime.warming import Warming
from crewhall.runtime.watch import TurnWatch

GATHER_TRIGGERS_S = 0.02
"""How far apart batches are under load: so much may triggers trail a busy log."""


class RuntimeParts(Struct, frozen=True):
    """The parts of one process."""

    consumer: Consumer
    scheduler: Scheduler
    executor: Executor
    caller: RuntimeCaller
    worker: TurnWorker
    watch: TurnWatch
    approvals: ApprovalClock
    schedules: ScheduleClock
    warner: BudgetWarner
    servers: ToolServers
    trials: Trials
    warming: Warming
    topics: AgentTopics
    feeding: TopicFeeding

    async def follow(self) -> None:
        """Follow the log, decide, take turns; the database and the signals must be up."""
        self.consumer.start()
        self.scheduler.start()
        self.warner.start()
        await self.worker.start()
        self.warming.start()
        self.approvals.start()
        self.schedules.start()
        self.feeding.start()

    async def drain(self, seconds: float) -> None:
        """Decide and begin nothing more, and let turns under way end for so long; `close` puts back what has not."""
        await self.warming.stop()
        await self.schedules.stop()
        await self.consumer.stop()
        await self.scheduler.stop()
        await self.worker.finish(seconds)

    async def close(self) -> None:
        """Stop deciding, then taking turns; the database must still be open."""
        await self.feeding.stop()
        await self.warming.stop()
        await self.schedules.stop()
        await self.approvals.stop()
        await self.consumer.stop()
        await self.scheduler.stop()
        await self.worker.stop()
        await self.executor.close()
        await self.warner.stop()


def start_runtime(
    *,
    db: Database,
    log: MessageLog,
    signals: Signals,
    verified: VerifiedTokens,
    posting: Posting,
    commands: Commands,
    live: Live,
    settings: TurnSettings,
    region: str,
    base_url: str,
    spans: NoSpans,
    topics: AgentTopics,
    parts: Sequence[object] = (),
    knowledge: Knowledge | None = None,
) -> RuntimeParts:
    """Make the parts of a process, not yet at work. `parts` are those of other domains that tools ask for.

    `knowledge` finds what agents are given to know.
    """
    subscribe(InstallationSeeded, hire_first_agents)
    subscribe(OrganizationFounded, hire_first_agents)
    subscribe(OrganizationGivenUp, dismiss_first_agents)
    subscribe(MemberDeactivated, end_runs_of)
    subscribe(AgentDeleted, retire_topics_of)
    commands.add("quick_task", TaskCommands(db, log, posting))
    verified.register(TURN_PREFIX, TurnVerifier(db, settings).verify)
    caller, servers = RuntimeCaller(db, signals, settings, base_url=base_url), ToolServers(db, settings)
    executor = Executor(
        db, log, posting, live, signals, settings,
        base_url=base_url, caller=caller, servers=servers, spans=spans, parts=parts, knowledge=knowledge,
    )  # fmt: skip
    return RuntimeParts(
        Consumer("turns", db, log.watch, TriggerDeriver(db).step, gather_s=GATHER_TRIGGERS_S),
        Scheduler(db, signals, region=region),
        executor,
        caller,
        TurnWorker(
            db,
            signals,
            executor.execute,
            at_once=settings.turns_at_once,
            heartbeat_s=settings.turn_heartbeat_s,
            rest_s=settings.turn_rest_s,
        ),
        TurnWatch(db, signals),
        ApprovalClock(db, signals, live),
        ScheduleClock(db, signals, grace_s=settings.schedule_grace_s),
        BudgetWarner(db, posting, signals),
        servers,
        Trials(db, executor, settings),
        Warming(db, executor),
        topics,
        TopicFeeding(db, log, topics, OutboxHearing(db, posting, topics).take, signals),
    )
