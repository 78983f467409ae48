"""An installation that takes turns by hand, with a model that is scripted and tools that count."""

from collections import Counter
from typing import Any
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.outbound import Outbound
from crewhall.ports.live import MemoryLive
from crewhall.runtime.calling import RuntimeCaller
from crewhall.runtime.executor import Executor
from crewhall.runtime.jobs import JOBS_CHANNEL
from crewhall.runtime.journal import Step
from crewhall.runtime.runs import Run
from crewhall.runtime.server_tools import ToolServers
from crewhall.runtime.settings import TurnSettings
from crewhall.runtime.tools import TOOLS, Caller, Tool
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.openai import MODEL, ScriptedModel
from tests.turns.hall import TurnHall

SCRIPTED = {"provider": "scripted", "model": MODEL}


class Weather(msgspec.Struct, forbid_unknown_fields=True):
    """Tell the weather."""

    city: str


class Said(msgspec.Struct):
    """A message as it is kept."""

    id: UUID
    author_id: UUID
    author_type: str
    role: str
    content: str
    parent_id: UUID | None
    client_id: str | None
    metadata: dict[str, Any] | None


class TakingHall(TurnHall):
    """The hall, with an executor."""

    def __init__(self, cluster: SharedCluster, name: str, model: ScriptedModel, **settings: Any) -> None:
        super().__init__(cluster, name)
        self.live = MemoryLive()
        self.called: Counter[str] = Counter()
        self.model = model
        self.turn_settings = TurnSettings(
            **{"model_endpoints": f"scripted={model.url},sk-test", "model_wait_s": 5, **settings}
        )
        self.tools = {
            **TOOLS,
            "weather": Tool("weather", "Tell the weather.", Weather, self._tell_weather, is_repeatable=True),
            "wire_money": Tool("wire_money", "Wire money.", Weather, self._tell_weather, is_repeatable=False),
        }
        self.signals.subscribe(JOBS_CHANNEL, lambda _payload: None)  # heard for workers that come later
        self._executors: list[Executor] = []
        self.executor = self.make_executor()

    def make_executor(
        self,
        *,
        base_url: str = "http://hall.test",
        outbound: Outbound | None = None,
        servers: ToolServers | None = None,
        caller: RuntimeCaller | None = None,
        **settings: Any,
    ) -> Executor:
        """Another process's executor, with other settings."""
        kept = self.turn_settings.model_copy(update=settings)
        made = Executor(
            self.db,
            self.log,
            self.posting,
            self.live,
            self.signals,
            kept,
            base_url=base_url,
            tools=self.tools,
            outbound=outbound,
            servers=servers,
            caller=caller,
        )
        self._executors.append(made)
        return made

    async def __aexit__(self, *_: object) -> None:
        for executor in self._executors:
            await executor.close()
        await super().__aexit__()

    async def _tell_weather(self, caller: Caller, asked: Weather) -> dict[str, Any]:
        self.called[caller.key] += 1
        if asked.city == "nowhere":
            raise ZeroDivisionError
        return {"city": asked.city, "sky": "blue" * (100_000 if asked.city == "long" else 1)}

    async def ask(self, org: Org, content: str = "hello @{}", **fields: Any) -> "Asked":
        """An agent with the scripted model, in a group with the owner, who asks it something; decided, not taken."""
        agent = await self.hire(org, **{"model_config": SCRIPTED, **fields})
        circle = await self.group(org, agent)
        await self.say(org.owner.actor, circle, content.format(agent.name))
        return await self.decided(org, circle, agent)

    async def decided(self, org: Org, circle: UUID, agent: Actor) -> "Asked":
        """The newest run of a conversation, after deciding what waits there."""
        await self.settle(circle)
        runs = await self.runs(circle)
        return Asked(self, org, circle, agent, runs[-1].id)

    async def said(self, conversation_id: UUID) -> list[Said]:
        """Every message, in order."""
        return await self.rows(
            Said,
            "select id, author_id, author_type, role, content, parent_id, client_id, metadata from message_records"
            " where conversation_id = %(id)s and type = 'message' order by seq",
            id=conversation_id,
        )

    def frames(self, run_id: UUID) -> list[dict[str, Any]]:
        """The ephemeral frames of a run's tokens."""
        emitted = [frame for _, frame in self.live.emitted if frame.event == "tokens"]
        return [frame.fields for frame in emitted if frame.fields["run"] == str(run_id)]


class Asked:
    """A run that was decided."""

    def __init__(self, hall: TakingHall, org: Org, circle: UUID, agent: Actor, run_id: UUID) -> None:
        self.hall, self.org, self.circle, self.agent, self.run_id = hall, org, circle, agent, run_id

    async def take(self, executor: Executor | None = None) -> Run:
        """Take the turn; gives the run as it stands then."""
        await (executor or self.hall.executor).execute(self.org.id, self.run_id)
        return await self.run()

    async def run(self) -> Run:
        (run,) = await self.hall.rows(Run, "select * from runs where id = %(id)s", id=self.run_id)
        assert isinstance(run, Run)
        return run

    async def steps(self) -> list[Step]:
        return await self.hall.rows(
            Step,
            "select run_id, ordinal, attempt, kind, key, digest, body, duration_ms, created_at from run_steps"
            " where run_id = %(id)s order by ordinal",
            id=self.run_id,
        )

    async def kinds(self) -> list[str]:
        return [str(step.kind) for step in await self.steps()]

    async def answers(self) -> list[str]:
        """What the agent said."""
        return [said.content for said in await self.hall.said(self.circle) if said.author_id == self.agent.id]

    async def notices(self) -> list[str]:
        """What Crewhall itself said."""
        return [said.content for said in await self.hall.said(self.circle) if said.author_type == "system"]

    async def break_off(self, *, behind: int) -> None:
        """Leave the run as if its process had died behind the step of that ordinal."""
        async with self.hall.everything() as connection:
            await connection.execute(
                "delete from run_steps where run_id = %(id)s and ordinal > %(last)s",
                {"id": self.run_id, "last": behind},
            )
            await connection.execute(
                "update runs set status = 'running', completed_at = null where id = %(id)s", {"id": self.run_id}
            )
