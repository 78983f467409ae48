"""An installation without its scheduler and worker: tests decide and take turns by hand, and let time pass at will."""

from contextlib import asynccontextmanager
from typing import Any, LiteralString, Self
from uuid import UUID

import msgspec
import psycopg

from crewhall.adapters.postgres.message_log import PostgresMessageLog
from crewhall.agents.actions import create_agent
from crewhall.agents.schemas import AgentInput
from crewhall.conversations import AgentPolicy, FileSettings, Message, PostMessage, start_conversations
from crewhall.conversations.opening import open_conversation
from crewhall.conversations.schemas import NewConversation, NewMember
from crewhall.conversations.vocabulary import MemberType
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.signals import SHOW_LIFE
from crewhall.ports.blobs import MemoryBlobs
from crewhall.runtime.decisions import decide_place
from crewhall.runtime.leases import LEASE_LOST, Lease, Leases
from crewhall.runtime.places import Place, shard_of
from crewhall.runtime.runs import Run, begin_run, end_run
from crewhall.runtime.scheduler import PENDING, _Pending
from crewhall.runtime.triggers import TriggerDeriver
from crewhall.runtime.vocabulary import RunStatus
from tests.identity.hall import Hall, Org
from tests.support.database import SharedCluster
from tests.support.tails import tail
from tests.support.waiting import until

RESIDENT = {"provider": "test", "model": "test"}


class Told(msgspec.Struct, frozen=True):
    """A decision as it is kept."""

    agent_id: UUID
    message_id: UUID | None
    outcome: str
    reason: str
    run_id: UUID | None
    epoch: int


class Decider:
    """A process that decides when told to, and shows that it lives once it did."""

    def __init__(self, hall: "TurnHall", ttl_s: float = 15.0) -> None:
        self.hall = hall
        self.leases = Leases(hall.db, new_id(), ttl_s=ttl_s)
        self._is_shown = False

    async def take(self, shard: int) -> Lease | float:
        """Take the lease, or learn in how many seconds it may lapse."""
        if not self._is_shown:
            await self.hall.show_life(self.leases.controller_id)
            self._is_shown = True
        return await self.leases.take(shard)

    async def decide(self, conversation_id: UUID) -> bool:
        """Decide what is due in a conversation's shard; tells whether this process may."""
        shard = shard_of(conversation_id)
        lease = await self.take(shard)
        if not isinstance(lease, Lease):
            return False
        async with self.hall.db.transaction(None) as tx:
            pending = await tx.all(_Pending, PENDING, {"shard": shard, "size": 100})
        try:
            for place in pending:
                if place.due_in <= 0:
                    await self.decide_place(lease, Place(place.org_id, place.conversation_id, place.agent_id))
        except CrewhallError as error:
            if error.kind is not LEASE_LOST:
                raise
            return False
        return True

    async def decide_place(self, lease: Lease, place: Place) -> float | None:
        return await decide_place(self.hall.db, self.leases, lease, place)


class TurnHall(Hall):
    """One process's database, log and posting; triggers are derived, decided and taken by hand."""

    def __init__(self, cluster: SharedCluster, name: str) -> None:
        super().__init__(cluster.clone(name).app)
        self._superuser_url = cluster.superuser(name)
        self.log = PostgresMessageLog(self.db, self.signals)
        limiter = RateLimiter()
        parts = start_conversations(
            db=self.db,
            log=self.log,
            signals=self.signals,
            limiter=limiter,
            posts_per_second=1_000_000,
            blobs=MemoryBlobs(),
            file_settings=FileSettings(),
        )
        self.posting = parts.posting
        self.deriver = TriggerDeriver(self.db)
        self.decider = Decider(self)

    async def __aenter__(self) -> Self:
        await self.db.open()
        await self.log.start()
        await self.signals.start()
        self._eye = await self._open_eye()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._eye.close()
        await self.log.stop()
        await super().__aexit__()

    async def hire(self, org: Org, code: str | None = None, **fields: Any) -> Actor:
        """Create an agent that thinks here, unless `model_config` says otherwise."""
        code = code or f"agent-{tail(8)}"
        data = msgspec.convert({"name": code, "code": code, "model_config": RESIDENT, **fields}, AgentInput)
        async with self.db.transaction(org.owner.actor) as tx:
            made = await create_agent(tx, org.owner.actor, data)
        return Actor(type=ActorType.AGENT, id=made.id, org_id=org.id, name=code)

    async def group(self, org: Org, *agents: Actor, **policy: Any) -> UUID:
        """Open a group of the owner with agents, under a policy."""
        return await self._open(org, "group", agents, title="Circle", agent_policy=AgentPolicy(**policy))

    async def direct(self, org: Org, agent: Actor) -> UUID:
        """Open the owner's direct conversation with an agent."""
        return await self._open(org, "direct", [agent])

    async def _open(self, org: Org, kind: Any, agents: Any, **fields: Any) -> UUID:
        members = [NewMember(MemberType.AGENT, agent.id) for agent in agents]
        async with self.db.transaction(org.owner.actor) as tx:
            opened = await open_conversation(
                tx, org.owner.actor, self.log, NewConversation(kind=kind, members=members, **fields)
            )
        return opened.id

    async def say(self, actor: Actor, conversation_id: UUID, content: str = "hello", **fields: Any) -> Message:
        """Post a message."""
        return (await self.posting.post(actor, conversation_id, PostMessage(content=content, **fields))).message

    async def derive(self) -> None:
        """Let the consumer of the log see everything."""
        while await self._lags():
            await self.deriver.step()

    async def _lags(self) -> bool:
        async with self.db.transaction(None) as tx:
            return await tx.value("select consumer_lag('turns')") is not None

    async def settle(self, conversation_id: UUID) -> list[Told]:
        """Derive and decide what is due; returns every decision of the conversation, in order."""
        await self.derive()
        await until(lambda: self.decider.decide(conversation_id))  # what another test left may hold the shard yet
        return await self.decisions(conversation_id)

    async def decisions(self, conversation_id: UUID) -> list[Told]:
        """Every decision of a conversation, in order."""
        return await self.rows(
            Told,
            "select agent_id, message_id, outcome, reason, run_id, epoch from turn_decisions"
            " where conversation_id = %(id)s order by id",
            id=conversation_id,
        )

    async def runs(self, conversation_id: UUID) -> list[Run]:
        """Every run of a conversation, in order."""
        return await self.rows(Run, "select * from runs where conversation_id = %(id)s order by id", id=conversation_id)

    async def rows(self, kind: Any, sql: LiteralString, /, **values: Any) -> list[Any]:
        """What the database holds, whoever's it is."""
        cursor = await self._eye.execute(sql, values)
        names = [column.name for column in cursor.description or ()]
        return [
            msgspec.convert(dict(zip(names, row, strict=True)), kind, strict=False) for row in await cursor.fetchall()
        ]

    @asynccontextmanager
    async def everything(self):
        """A connection that sees and may change everything, past policies and triggers."""
        async with await self._open_eye() as connection:
            yield connection

    async def _open_eye(self) -> psycopg.AsyncConnection[Any]:
        connection = await psycopg.AsyncConnection.connect(self._superuser_url, autocommit=True)
        await connection.execute("set session_replication_role = replica; set timezone = 'UTC'")
        return connection

    async def take_turn(self, run: Run, agent: Actor, content: str | None = "I see.") -> None:
        """Take a run's turn as the executor does: read the conversation, answer, end."""
        async with self.db.transaction(system_actor(run.org_id)) as tx:
            claimed = await begin_run(tx, run.id)
            assert claimed is not None
            if not run.is_remote:
                await tx.run(
                    """
                    update runs set seen_seq = (
                        select last_seq from conversation_heads where conversation_id = %(conversation)s)
                    where id = %(id)s
                    """,
                    {"id": run.id, "conversation": run.conversation_id},
                )
        if content is not None and not run.is_remote:
            await self.say(agent, run.conversation_id, content, client_id=f"run:{run.id}")
        await self.end(claimed)

    async def end(self, run: Run, status: RunStatus = RunStatus.SUCCEEDED, reason: str = "answered") -> None:
        """End a claimed run."""
        async with self.db.transaction(system_actor(run.org_id)) as tx:
            await end_run(tx, run, status, reason)

    async def show_life(self, controller_id: UUID) -> None:
        """Be connected for a process, until its life ends."""
        await self._eye.execute(SHOW_LIFE, {"name": str(controller_id)})

    async def end_life(self, controller_id: UUID) -> None:
        """Be disconnected, as a killed process is."""
        await self._eye.execute(END_LIFE, {"name": str(controller_id)})

    async def pass_time(self, seconds: float) -> None:
        """Make everything that happened so much longer ago."""
        for statement in PASSED:
            await self._eye.execute(statement, {"seconds": seconds})


END_LIFE: LiteralString = "select pg_advisory_unlock_shared(hashtextextended('crewhall.life.' || %(name)s, 0))"
PASSED: tuple[LiteralString, ...] = (
    "update message_records set created_at = created_at - make_interval(secs => %(seconds)s)",
    "update turn_decisions set created_at = created_at - make_interval(secs => %(seconds)s)",
    "update turn_triggers set created_at = created_at - make_interval(secs => %(seconds)s)",
    "update turn_triggers set due_at = due_at - make_interval(secs => %(seconds)s)",
    "update controller_shards set lease_until = lease_until - make_interval(secs => %(seconds)s)",
    "update conversation_members set joined_at = joined_at - make_interval(secs => %(seconds)s)",
)
