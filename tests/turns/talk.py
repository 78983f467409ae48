"""A conversation of agents that mention each other on purpose, and what a model of it knows must hold."""

import asyncio
import time
from collections import defaultdict
from typing import Any
from uuid import UUID

import msgspec
import pytest

from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.errors import CrewhallError
from crewhall.runtime import decisions
from crewhall.runtime.leases import LEASE_LOST, Lease
from crewhall.runtime.places import Place, shard_of
from crewhall.runtime.runs import Run, begin_run
from crewhall.runtime.vocabulary import RunStatus
from tests.identity.hall import Org
from tests.turns.hall import Decider, TurnHall

AGENTS = 3
EVERYBODY = frozenset(range(AGENTS))
DECIDERS = 2
LONGEST_TALK = 60
"""Rounds of turns in which any conversation must have come to its end: agents × rounds, with room to spare."""


class Step(msgspec.Struct, frozen=True):
    """Something that happens: what, by whom, and mentioning whom."""

    what: str
    who: int
    mentions: frozenset[int]
    seconds: int


class Said(msgspec.Struct, frozen=True):
    """A message as the model remembers it: who wrote it, and when at the latest."""

    author: UUID | None
    at: float


class Spoken(msgspec.Struct, frozen=True):
    """A decision to speak."""

    agent_id: UUID
    run_id: UUID
    cause: str
    author_type: str
    author_id: UUID
    message_id: UUID
    message_seq: int
    epoch: int


class Talk:
    """One conversation, what the model knows of it, and the processes that decide for it."""

    def __init__(self, hall: TurnHall, org: Org, agents: list[Actor], circle: UUID, policy: dict[str, Any]) -> None:
        self.hall = hall
        self.org = org
        self.agents = agents
        self.circle = circle
        self.policy = policy
        self.said: list[Said] = []
        self.deciders = [Decider(hall) for _ in range(DECIDERS)]
        self.late: list[tuple[Decider, Lease]] = []
        self.known: set[UUID] = set()
        self.passed = 0.0

    @property
    def now(self) -> float:
        return time.monotonic() + self.passed

    async def say(self, author: Actor, mentions: frozenset[int], **fields: Any) -> None:
        """Post, mentioning agents by their number."""
        before = self.now
        names = " ".join(f"@{self.agents[number].name}" for number in sorted(mentions))
        await self.hall.say(author, self.circle, f"well, {names}", **fields)
        self.said.append(Said(author.id if author.type is ActorType.AGENT else None, before))

    async def happen(self, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let one step happen."""
        decider = self.deciders[step.who % DECIDERS]
        match step.what:
            case "person":
                await self.say(self.org.owner.actor, step.mentions)
            case "agent":
                await self.say(self.agents[step.who], step.mentions)
            case "decide":
                await self.decide(decider)
            case "turn" | "fail":
                await self.take_turn(step)
                await self.decide(decider)
            case "time":
                await self.pass_time(step.seconds)
            case "die":  # with its machine, so that its connection seems to last: its lease stays until it lapses
                self.deciders[step.who % DECIDERS] = Decider(self.hall)
            case "late":
                await self.decide_late(step)
            case "race":
                await self.race(step)
            case "killed":
                await self.kill(decider, monkeypatch)

    async def decide(self, decider: Decider) -> None:
        """Derive and decide; a process that does not hold the shard leaves it to another."""
        await self.hall.derive()
        for one in sorted(self.deciders, key=lambda other: other is not decider):
            if await one.decide(self.circle):
                lease = await one.take(shard_of(self.circle))
                assert isinstance(lease, Lease)
                self.late.append((one, lease))
                break
        await self.check()

    async def decide_late(self, step: Step) -> None:
        """A process that stood still goes on with a lease that it has had some time ago."""
        if not self.late:
            return
        decider, lease = self.late[step.who % len(self.late)]
        await _outrun(decider, lease, Place(self.org.id, self.circle, self.agents[step.who].id))
        await self.check()

    async def race(self, step: Step) -> None:
        """Every process decides at the same moment, and one that stood still goes on with what it had."""
        await self.hall.derive()
        ways = [one.decide(self.circle) for one in self.deciders]
        if self.late:
            decider, lease = self.late[step.who % len(self.late)]
            places = [Place(self.org.id, self.circle, agent.id) for agent in self.agents]
            ways += [_outrun(decider, lease, place) for place in places]
        await asyncio.gather(*ways)
        await self.check()

    async def kill(self, decider: Decider, monkeypatch: pytest.MonkeyPatch) -> None:
        """Kill a process when it has inserted the run and written nothing else."""

        async def die(*_: object) -> None:
            raise ZeroDivisionError

        await self.hall.derive()
        with monkeypatch.context() as killed:
            killed.setattr(decisions, "_write", die)
            try:
                await decider.decide(self.circle)
            except ZeroDivisionError:
                await self.hall.end_life(decider.leases.controller_id)
                self.deciders[self.deciders.index(decider)] = Decider(self.hall)
        await self.check()

    async def pass_time(self, seconds: float) -> None:
        await self.hall.pass_time(seconds)
        self.passed += seconds

    async def open_runs(self) -> list[Run]:
        return [run for run in await self.hall.runs(self.circle) if run.status == "queued"]

    async def take_turn(self, step: Step) -> None:
        """Take the turn of an open run: answer with mentions, say nothing, or fail."""
        waiting = await self.open_runs()
        if not waiting:
            return
        run = waiting[step.who % len(waiting)]
        async with self.hall.db.transaction(system_actor(self.org.id)) as tx:
            claimed = await begin_run(tx, run.id)
            assert claimed is not None
            if not run.is_remote:
                await tx.run(
                    "update runs set seen_seq = %(seq)s where id = %(id)s", {"seq": len(self.said), "id": run.id}
                )
        if step.what == "fail":
            await self.hall.end(claimed, RunStatus.FAILED, "model_failed")
            return
        if step.seconds > 3:
            await self.say(self.agent(run.agent_id), step.mentions, client_id=f"run:{run.id}")
        await self.hall.end(claimed)

    def agent(self, agent_id: UUID) -> Actor:
        return next(agent for agent in self.agents if agent.id == agent_id)

    # -- what must hold

    async def check(self) -> None:
        """Look at the turns that were decided since the last look."""
        spoken = await self.hall.rows(
            Spoken,
            "select agent_id, run_id, cause, author_type, author_id, message_id, message_seq, epoch from turn_decisions"
            " where conversation_id = %(id)s and outcome = 'speak' order by id",
            id=self.circle,
        )
        asked = [(one.agent_id, one.message_id) for one in spoken]
        assert len(set(asked)) == len(asked), "a message was answered twice"
        assert [one.epoch for one in spoken] == sorted(one.epoch for one in spoken)
        turns: dict[UUID, list[Spoken]] = defaultdict(list)
        for one in spoken:
            if one.run_id not in self.known:
                turns[one.run_id].append(one)
        for run_id, reasons in turns.items():
            self.known.add(run_id)
            self.check_turn(reasons)

    def check_turn(self, reasons: list[Spoken]) -> None:
        """Whether the turn was allowed, by what the model remembers."""
        limit, agent = self.policy["max_agent_rounds"], reasons[0].agent_id
        for one in reasons:
            if one.author_type == "agent":
                assert self.policy["multi_agent_enabled"]
                assert self.rounds(one.author_id, one.message_seq) <= limit, "who had said too much woke somebody"
        if any(one.author_type == "user" and one.cause != "auto" for one in reasons):
            return
        assert self.rounds(agent, len(self.said)) < limit, "rounds do not hold"
        spoke = [said.at for said in self.said if said.author == agent]
        assert not spoke or self.now - spoke[-1] >= self.policy["agent_cooldown_seconds"], "cooldown does not hold"

    def rounds(self, agent: UUID, upto: int) -> int:
        """How many messages the agent has posted since a person did."""
        count = 0
        for said in reversed(self.said[:upto]):
            if said.author is None:
                break
            count += said.author == agent
        return count

    async def run_out(self) -> None:
        """Let everybody go on, always mentioning all: it must come to an end, nothing left undecided."""
        for _ in range(LONGEST_TALK):
            await self.pass_time(20)
            await self.decide(self.deciders[0])
            open_runs = await self.open_runs()
            if not open_runs:
                break
            for number in range(len(open_runs)):
                await self.take_turn(Step("turn", number, EVERYBODY, 20))
        else:
            raise AssertionError("they talk forever")
        waiting = await self.hall.rows(
            dict, "select cause, waits_for from turn_triggers where conversation_id = %(id)s", id=self.circle
        )
        assert waiting == []
        await self.check_people()

    async def check_people(self) -> None:
        """Whatever a person asked by name was answered, or read by a turn."""
        unheard = await self.hall.rows(
            dict,
            "select outcome, reason from turn_decisions where conversation_id = %(id)s and author_type = 'user'"
            " and cause <> 'auto' and outcome = 'silent' and reason <> 'covered'",
            id=self.circle,
        )
        assert unheard == []


async def _outrun(decider: Decider, lease: Lease, place: Place) -> bool:
    """Decide under a lease that may be another's by now; tells whether it still held."""
    try:
        await decider.decide_place(lease, place)
    except CrewhallError as error:
        if error.kind is not LEASE_LOST:
            raise
        return False
    return True
