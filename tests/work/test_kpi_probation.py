"""What follows from trust: probation by rule, its end, and what an agent may do unasked."""

import pytest

from crewhall.kernel.tools import Risk
from crewhall.runtime.judging import RiskRule, Standing, ToolPolicy, judge
from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import agent, begun, done, listed, wrote
from tests.work.kpi_ground import calculated, completed, figures, reviewed, rows, trust_of
from tests.work.timeline_ground import listed as events


@pytest.mark.rule("D3", "D7")
async def test_probation_by_rule_gives_back_what_is_critical_and_tells_who_must_know(server: Server, org: Org):
    admin, member = await org.add("admin"), await org.add()
    scout, shop = await server.hire(org), await begun(org.owner)
    critical = await wrote(org.owner, shop, "Now", priority="P0", assignee=agent(scout))
    for title in "abcdefg":
        await reviewed(org.owner, "changes_requested", scout, title=title)
    one = await figures(server, org, scout)
    assert (one["quality"], one["concerns"]) == (15, ["low_quality"])
    assert done(await org.owner.api.get(f"/agents/{scout.id}")).json()["status"] == "probation"
    task = done(await org.owner.api.get(f"/tasks/{critical['id']}")).json()
    assert (task["status"], task["assignee"]) == ("backlog", None)
    refused = await org.owner.api.patch(f"/tasks/{critical['id']}", json={"assignee": agent(scout)})
    assert refused.status_code == 409
    told = next(event for event in await events(org.owner.api, type="trust_score_changed") if "status" in str(event))
    assert told["content"]["status_after"] == "probation"
    assert told["content"]["reason"] == "Quality is below 20."
    for who in (org.owner, admin, scout):
        (notice,) = await listed(who, "/notifications", kind="probation")
        assert notice["path"] == f"/agents/{scout.id}/kpis"
        assert notice["summary"].endswith("is on probation: Quality is below 20")
    assert await listed(member, "/notifications", kind="probation") == []


@pytest.mark.rule("D7")
async def test_probation_ends_by_rule_and_who_ends_it_by_hand_is_not_overruled(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    path = f"/agents/{scout.id}"
    for title in "abcdefg":
        await reviewed(org.owner, "changes_requested", scout, title=title)
    await calculated(server, org)
    done(await org.owner.api.patch(path, json={"status": "active"}))
    await completed(org, shop, scout)
    assert (await figures(server, org, scout))["concerns"] == ["low_quality"]
    assert done(await org.owner.api.get(path)).json()["status"] == "active"
    done(await org.owner.api.patch(path, json={"status": "probation"}))
    for number in range(5):
        await completed(org, shop, scout)
        await reviewed(org.owner, "approved", scout, title=f"good {number}")
        await calculated(server, org)
        assert done(await org.owner.api.get(path)).json()["status"] == ("probation" if number < 4 else "active")
    one = (await rows(org.owner, scout))[0]
    assert (one["quality"], one["overall_trend"]) == (65, "improving")
    (notice, *_) = await listed(org.owner, "/notifications", kind="probation")
    assert notice["summary"].endswith("has come through probation")


@pytest.mark.rule("D7")
async def test_probation_goes_on_while_one_of_its_causes_holds(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    first = await completed(org, shop, scout)
    for _ in range(5):
        await wrote(org.owner, shop, "Leak", description=f"Caused by #{first['number']}", labels=["bug"])
    assert (await figures(server, org, scout))["concerns"] == ["recent_bugs"]
    for number in range(5):
        await completed(org, shop, scout)
        await reviewed(org.owner, "approved", scout, title=f"good {number}")
        one = await figures(server, org, scout)
        assert one["overall_trend"] == "improving"
        assert done(await org.owner.api.get(f"/agents/{scout.id}")).json()["status"] == "probation"
    assert (one["quality"], one["trust"] > 50, one["concerns"]) == (100, True, ["recent_bugs"])


@pytest.mark.rule("X5", "D7")
async def test_what_an_agent_may_do_moves_with_its_trust(server: Server, org: Org):
    scout, shop = await server.hire(org), await begun(org.owner)
    policy = ToolPolicy(write=RiskRule(allow_from=54.0))

    async def judged() -> str:
        return str(
            judge("post_message", Risk.WRITE, Standing(await trust_of(org, scout), on_probation=False), policy).verdict
        )

    assert await judged() == "ask"
    for _ in range(2):
        await completed(org, shop, scout)
    await calculated(server, org)
    assert await judged() == "allow"
