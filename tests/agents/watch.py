"""A presence watch that tests look into."""

import asyncio

from crewhall.agents import Presence
from crewhall.agents.presence import PresenceChange, PresenceWatch, _Written
from crewhall.kernel.actor import Actor
from crewhall.kernel.signals import Signals
from tests.agents.hall import AgentHall
from tests.support.waiting import bounded


class Watch(PresenceWatch):
    """A watch whose changes can be waited for."""

    def __init__(
        self,
        hall: AgentHall,
        timeout_s: float,
        write_every_s: float = 15,
        grace_s: float = 600,
        signals: Signals | None = None,
    ) -> None:
        self.changes: asyncio.Queue[PresenceChange] = asyncio.Queue()
        self.writes: asyncio.Queue[Presence] = asyncio.Queue()
        super().__init__(
            hall.db,
            timeout_s=timeout_s,
            write_every_s=write_every_s,
            grace_s=grace_s,
            on_change=self.changes.put_nowait,
            signals=signals,
        )

    async def next(self) -> Presence:
        async with bounded(5):
            return (await self.changes.get()).presence

    async def next_write(self) -> Presence:
        async with bounded(5):
            return await self.writes.get()

    async def _write(self, actor: Actor, presence: Presence, lasts: float) -> _Written | None:
        written = await super()._write(actor, presence, lasts)
        self.writes.put_nowait(presence)
        return written
