"""Runs rows: floor and product in turn, at least three times, noisy runs thrown away."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import httpx

from bench.brokers import started_broker
from bench.dataset import ensure_messages, many_conversations, schema_key
from bench.ground import Ground, Skip, temporary_home
from bench.load.http import LoadError
from bench.load.live import ListenerError
from bench.meter import Meter
from bench.organization.filling import ensure_organization, organization_key, shape_of
from bench.programs import Program, ProgramError
from bench.rows import ON_DEMAND
from bench.rows.row import SMALL, Row, Scale
from bench.serving import UNFOLLOWED
from bench.table import Line, line_of

Say = Callable[[str], None]
FAILURES = (LoadError, ListenerError, ProgramError, TimeoutError, OSError, httpx.HTTPError)
"""What ends a row but not the run."""
SPARE_RUNS = 2
"""How many runs beyond those wanted a row may take to find quiet ones."""
WAIT_S, LOOK_S = 10.0, 0.5
"""How long to wait for a quiet moment before a measurement, and how long to look whether it is one."""
ENVIRONMENTS = {
    "unfollowed": {UNFOLLOWED: "1"},
    "alike": {"CREWHALL_MESSAGES_BY_MEANING": "true", "CREWHALL_DOCUMENTS_AT_ONCE": "0"},
}
"""What servers are told on some grounds: to follow nothing; to compare what messages mean, but embed none."""
PATIENCE_S = 180.0
"""How long one bench waits for quiet moments and repeats disturbed runs in all."""


class Grounds:
    """The grounds of one bench: a fresh home of this run, and the large data set that is kept between runs."""

    def __init__(self, data: Path, scale: Scale, say: Say) -> None:
        self._kept = data
        self.scale = scale
        self._say = say
        self._open: dict[str, Ground] = {}
        self.patience_s = PATIENCE_S if scale.runs > 1 else 0.0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def get(self, kind: str) -> Ground:
        """The ground of a kind, opened when first asked for."""
        if kind not in self._open:
            kept = {"data": self._large, "many": self._many, "organization": self._organization}.get(kind)
            self._open[kind] = await (kept() if kept else self._fresh(kind))
        return self._open[kind]

    async def _fresh(self, kind: str) -> Ground:
        home = self._stack.enter_context(temporary_home())
        model = None
        if kind == "turns":
            model = await Program.start("bench.floors.model")
            self._stack.push_async_callback(model.stop)
        environment = ENVIRONMENTS.get(kind)
        broker = await self._stack.enter_async_context(started_broker()) if kind == "kafka" else None
        ground = await self._stack.enter_async_context(Ground(home, environment, model=model, broker=broker))
        if kind == "small":
            await ensure_messages(ground, SMALL)
        return ground

    async def _large(self) -> Ground:
        ground = await self._lasting(f"messages-{self.scale.messages}-{schema_key()}")
        self._say(f"data set of {self.scale.messages:,} messages in {ground.home}")
        await ensure_messages(ground, self.scale.messages)
        return ground

    async def _many(self) -> Ground:
        count = many_conversations(self.scale.messages)
        ground = await self._lasting(f"conversations-{count}-messages-{self.scale.messages}-{schema_key()}")
        self._say(f"data set of {self.scale.messages:,} messages in {count:,} conversations in {ground.home}")
        await ensure_messages(ground, self.scale.messages, count)
        return ground

    async def _organization(self) -> Ground:
        shape = shape_of(self.scale.messages)
        ground = await self._lasting(f"organization-{self.scale.messages}-{organization_key()}")
        self._say(f"an organization of {shape.people:,} people in {ground.home}")
        await ensure_organization(ground, shape)
        return ground

    async def _lasting(self, name: str) -> Ground:
        """The ground in a folder that later runs find again."""
        home = self._kept / name
        home.mkdir(parents=True, exist_ok=True)
        return await self._stack.enter_async_context(Ground(home))


class Taken:
    """The runs of one side of a row. Those that other work disturbed are thrown away, unless there are no others."""

    def __init__(self) -> None:
        self._quiet: list[dict[str, float]] = []
        self._noisy: list[dict[str, float]] = []

    def add(self, found: dict[str, float], noisy: bool) -> None:  # noqa: FBT001 - as _quietly gives it
        """Take one run."""
        (self._noisy if noisy else self._quiet).append(found)

    @property
    def is_noisy(self) -> bool:
        """Whether more than half of the runs were disturbed: then the figures do not count."""
        return len(self._noisy) > len(self._quiet)

    @property
    def counted(self) -> list[dict[str, float]]:
        """The runs that count."""
        return self._noisy if self.is_noisy else self._quiet


async def run_row(row: Row, grounds: Grounds, scale: Scale, say: Say) -> list[Line]:
    """Measure one row; a row that cannot be measured here says so and gives no lines."""
    say(f"{row.name} …")
    try:
        ground, floor_ground = await grounds.get(row.ground), await grounds.get(row.floor_ground)
        for one in (ground, floor_ground):
            one.neighbours.clear()
        await row.prepare(ground, floor_ground, scale)
        floors, products = Taken(), Taken()
        if row in ON_DEMAND:  # once, and it says itself what others did meanwhile
            products.add(await row.product(ground, grounds.scale), noisy=False)
            floors.add(await row.floor(floor_ground, grounds.scale), noisy=False)
        for _ in range(0 if row in ON_DEMAND else scale.runs):
            floors.add(*await _quietly(row.floor, floor_ground, grounds))
            products.add(*await _quietly(row.product, ground, grounds))
    except Skip as reason:
        say(f"  skipped: {reason}")
        return []
    except FAILURES as error:
        say(f"  FAILED: {type(error).__name__}: {error}")
        return []
    noisy = floors.is_noisy or products.is_noisy
    lines = [line_of(row.name, figure, products.counted, floors.counted, noisy=noisy) for figure in row.figures]
    return [line for line in lines if line]


Measure = Callable[[Ground, Scale], Awaitable[dict[str, float]]]


async def _quietly(measure: Measure, ground: Ground, grounds: Grounds) -> tuple[dict[str, float], bool]:
    """Measure while nothing else uses the processors; when patience ends the last try, and that it was noisy."""
    for attempt in range(1 + SPARE_RUNS):
        begun = time.perf_counter()
        if grounds.patience_s > 0:
            await _quiet_moment(ground)
            grounds.patience_s -= time.perf_counter() - begun
        meter: Meter = ground.meter()
        found = await measure(ground, grounds.scale)
        if not meter.stop().is_noisy:
            return found, False
        if attempt:
            grounds.patience_s -= time.perf_counter() - begun
        if grounds.patience_s <= 0:
            break
    return found, True


async def _quiet_moment(ground: Ground) -> None:
    """Return when nothing else uses the processors, or after a while all the same."""
    for _ in range(int(WAIT_S / LOOK_S)):
        meter = ground.meter()
        await asyncio.sleep(LOOK_S)
        if not meter.stop().is_noisy:
            return


async def run_rows(rows: Sequence[Row], data: Path, scale: Scale, say: Say) -> list[Line]:
    """Measure rows one after the other; those on one ground share it."""
    lines: list[Line] = []
    async with Grounds(data, scale, say) as grounds:
        for row in rows:
            lines += await run_row(row, grounds, scale, say)
    return lines
