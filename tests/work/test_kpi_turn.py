"""The worker of KPIs: woken by news, several things at once, and one organization's trouble holds up no other."""

from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest

from crewhall.kernel.actor import system_actor
from crewhall.kernel.timer import DueTimer
from crewhall.work.kpis import KpiParts
from crewhall.work.kpis.calculating import Calculator
from crewhall.work.kpis.lifecycle import KpiTurn
from crewhall.work.kpis.noting import CHANNEL
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.work.ground import begun
from tests.work.kpi_ground import completed, rows


class Stubborn(Calculator):
    """Fails at one organization."""

    refuses: UUID | None = None

    async def calculate_all(self, org_id: UUID) -> int:
        if org_id == self.refuses:
            raise RuntimeError("it is stuck")
        return await super().calculate_all(org_id)


@pytest.fixture
async def calculator(server: Server) -> AsyncIterator[Stubborn]:
    """The worker, running; what other tests left is not its business."""
    with psycopg.connect(server._urls.admin, autocommit=True) as connection:
        connection.execute("delete from kpi_news")
    made = Stubborn(server.db)
    timer = DueTimer("kpis of a test", KpiTurn(server.db, made).look)
    server.services.signals.subscribe(CHANNEL, lambda _payload: timer.stir())
    timer.start()
    yield made
    await timer.stop()


@pytest.mark.rule("D6")
async def test_news_is_calculated_by_itself_and_nobody_waits_for_another(
    server: Server, org: Org, other_org: Org, calculator: Stubborn
):
    assert not server.services.part(KpiParts).is_ours
    calculator.refuses = other_org.id
    scouts = {}
    for one in (other_org, org):
        scouts[one.id], shop = await server.hire(one), await begun(one.owner)
        await completed(one, shop, scouts[one.id])
    (row,) = await until(lambda: rows(org.owner, scouts[org.id]))
    assert row["counted"] == {"task_assigned": 1, "task_completed": 1}

    async def put_off() -> bool:
        async with server.db.transaction(system_actor(other_org.id)) as tx:
            return bool(await tx.value("select min(due_at) > now() + interval '30 seconds' from kpi_news"))

    await until(put_off)
    assert await rows(other_org.owner, scouts[other_org.id]) == []
