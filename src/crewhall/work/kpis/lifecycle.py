"""What a process needs to calculate KPIs: one timer for the nearest news, and none while there is none."""

import logging
from uuid import UUID

from msgspec import Struct
from pydantic import Field

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.kernel.settings import CrewhallSettings
from crewhall.kernel.signals import Signals
from crewhall.kernel.timer import DueTimer
from crewhall.work.kpis.calculating import Calculator
from crewhall.work.kpis.noting import CHANNEL, follow_work

log = logging.getLogger(__name__)
PUT_OFF_S = 60


class KpiSettings(CrewhallSettings):
    """Whether KPIs are calculated here."""

    kpis: bool = Field(default=True, description="Whether this process calculates KPIs; false leaves them to others.")


class _Next(Struct):
    org_id: UUID
    due_in: float


class KpiParts(Struct, frozen=True):
    """The parts of one process."""

    calculator: Calculator
    timer: DueTimer
    is_ours: bool

    def start(self) -> None:
        """Go on with what there is news of; the database and the signals must be up."""
        if self.is_ours:
            self.timer.start()

    async def close(self) -> None:
        """Stop; news waits."""
        await self.timer.stop()


def start_kpis(*, db: Database, signals: Signals, settings: KpiSettings) -> KpiParts:
    """Make the parts of a process, before the signals start."""
    follow_work()
    calculator = Calculator(db)
    timer = DueTimer("kpis", KpiTurn(db, calculator).look)
    signals.subscribe(CHANNEL, lambda _payload: timer.stir())
    signals.on_lost(timer.stir)
    return KpiParts(calculator, timer, settings.kpis)


class KpiTurn:
    """What the timer does: one organization after the other, the one whose news has waited longest first."""

    def __init__(self, db: Database, calculator: Calculator) -> None:
        self._db = db
        self._calculator = calculator

    async def look(self) -> float | None:
        """Calculate what is due; gives the seconds until the next is, None while there is no news."""
        while True:
            async with self._db.transaction(None) as tx:
                found = await tx.find(_Next, "select org_id, due_in from next_kpi_news()")
            if found is None or found.due_in > 0:
                return found.due_in if found else None
            try:
                await self._calculator.calculate_all(found.org_id)
            except Exception as error:  # one organization's trouble holds up no other
                about = {"organization": str(found.org_id), "reason": str(error).strip()}
                log.warning("KPIs are calculated later", extra=about, exc_info=error)
                await self._put_off(found.org_id)

    async def _put_off(self, org_id: UUID) -> None:
        async with self._db.transaction(system_actor(org_id)) as tx:
            await tx.run(
                """
                update kpi_news set due_at = clock_timestamp() + make_interval(secs => %(wait)s)
                where org_id = %(org)s and due_at < clock_timestamp() + make_interval(secs => %(wait)s)
                """,
                {"org": org_id, "wait": PUT_OFF_S},
            )
