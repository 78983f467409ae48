"""Whoever looks at a timeline hears that it grew: that alone, at most twice a second, never by what."""

import asyncio
from uuid import UUID

from crewhall.faces.live.hub import Hub
from crewhall.kernel.actor import system_actor
from crewhall.kernel.signals import Signals
from crewhall.ports.live import Ephemeral
from crewhall.work import EVENTS_CHANNEL

GATHER_S = 0.5


class Ticker:
    """Tells the connections of this process; the notice reaches every process. Loss is allowed.

    The frame holds nothing of what happened: who hears it asks, with the rights that they have.
    """

    def __init__(self, hub: Hub, signals: Signals) -> None:
        self._hub = hub
        self._resting: dict[UUID, bool] = {}
        signals.subscribe(EVENTS_CHANNEL, self._on_grown)

    def _on_grown(self, payload: str) -> None:
        """Tell at once after a pause; of what comes meanwhile when the pause is over."""
        org_id = UUID(payload)
        if org_id in self._resting:
            self._resting[org_id] = True
            return
        self._tell(org_id)
        self._rest(org_id)

    def _rest(self, org_id: UUID) -> None:
        self._resting[org_id] = False
        asyncio.get_running_loop().call_later(GATHER_S, self._on_rested, org_id)

    def _on_rested(self, org_id: UUID) -> None:
        if self._resting.pop(org_id):
            self._tell(org_id)
            self._rest(org_id)

    def _tell(self, org_id: UUID) -> None:
        self._hub.emit_here(system_actor(org_id), Ephemeral(org_id, None, "timeline", {}))
