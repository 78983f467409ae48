"""Metrics of roles: named by who manages agents, posted within bounds by whom they measure, or counted."""

import pytest

from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import done
from tests.work.kpi_ground import calculated, figures, rows
from tests.work.timeline_ground import posted

DEALS = {"name": "deals", "label": "Deals", "role_title": "Seller", "lowest": 0, "highest": 100}


@pytest.mark.rule("D6")
async def test_an_agent_posts_what_it_is_measured_by_and_no_other_does(server: Server, org: Org):
    seller, other = await server.hire(org, role_title="Seller"), await server.hire(org, role_title="Buyer")
    member = await org.add()
    done(await org.owner.api.post("/metrics", json=DEALS))
    path, body = f"/agents/{seller.id}/metrics/deals", {"value": 12.5}
    done(await seller.api.post(path, json=body))
    for who, code in ((other, 403), (member, 403)):
        assert (await who.api.post(path, json=body)).status_code == code
    wrong = [(seller, "deals", -1, 422), (seller, "deals", 101, 422), (seller, "calls", 1, 404)]
    for who, name, value, code in [*wrong, (other, "deals", 1, 404)]:
        answer = await who.api.post(f"/agents/{who.id}/metrics/{name}", json={"value": value})
        assert answer.status_code == code, answer.text
    one = await figures(server, org, seller)
    assert (one["custom"], one["trust"], one["evidence"]) == ({"deals": 12.5}, 50, 0)
    done(await org.owner.api.post(path, json={"value": 13}))
    assert (await figures(server, org, seller))["custom"] == {"deals": 13}
    assert await rows(org.owner, other) == []


@pytest.mark.rule("D6")
async def test_events_of_a_type_are_counted(server: Server, org: Org):
    scout = await server.hire(org)
    counted = {"name": "problems", "label": "Problems told", "source": "events", "event_type": "problem_report"}
    metric = done(await org.owner.api.post("/metrics", json=counted)).json()
    for _ in range(3):
        await posted(scout)
    await posted(org.owner)
    one = done(await org.owner.api.post(f"/agents/{scout.id}/kpis")).json()
    assert one["custom"] == {"problems": 3}
    answer = await scout.api.post(f"/agents/{scout.id}/metrics/problems", json={"value": 9})
    assert answer.status_code == 422
    done(await org.owner.api.delete(f"/metrics/{metric['id']}"))
    await posted(scout)
    await calculated(server, org)
    assert done(await org.owner.api.post(f"/agents/{scout.id}/kpis")).json()["custom"] == {"problems": 3}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"source": "events"}, "event_type"),
        ({"event_type": "problem_report"}, "event_type"),
        ({"source": "events", "event_type": "gossip"}, "type"),
        ({"lowest": 2, "highest": 1}, "lowest"),
        ({"name": "Deals won"}, "name"),
    ],
)
async def test_what_is_no_metric_is_refused(org: Org, wrong: dict[str, object], field: str):
    answer = await org.owner.api.post("/metrics", json={**DEALS, **wrong})
    assert answer.status_code == 422
    assert field in answer.text


async def test_a_name_is_taken_once(org: Org, other_org: Org):
    for one in (org, other_org):
        done(await one.owner.api.post("/metrics", json=DEALS))
    assert (await org.owner.api.post("/metrics", json=DEALS)).status_code == 409
