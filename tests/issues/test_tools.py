"""An agent and its task at GitHub, through MCP with the official client."""

import pytest

from tests.identity.hall import Org
from tests.issues.ground import bind
from tests.mcp.visiting import done as by_mcp
from tests.mcp.visiting import refused, visit
from tests.support.server import Server
from tests.work.ground import agent, begun, changed, done, wrote
from tests.work.test_kpi_mirror import RED, pull, suite


@pytest.mark.rule("D8", "X4")
async def test_an_agent_makes_the_issue_of_its_task_and_follows_its_pull_request(server: Server, org: Org):
    bound = await bind(server, org)
    scout = await server.hire(org, "scout", level="project", project_id=bound.project["id"])
    task = await wrote(org.owner, bound.project)
    await changed(org.owner, task, assignee=agent(scout))
    await bound.tell(pull(7, 0, RED), suite("s1", RED, 3, "failure"))
    async with visit(server.address, scout.key) as mcp:
        bare = await by_mcp(mcp, "task_at_github", task="shop#1")
        assert (bare["issue"], bare["repository"]) == (None, "octo/hall")
        asked = await by_mcp(mcp, "make_issue", task="shop#1")
        assert [(one["kind"], one["state"]) for one in asked["changes"]] == [("create_issue", "waiting")]
        assert (await refused(mcp, "make_issue", task="shop#1"))["code"] == "conflict"
        await bound.send()
        linked = await by_mcp(mcp, "link_pull_request", task="shop#1", pull_request="octo/hall#7")
        (shown,) = linked["pull_requests"]
        assert (shown["number"], shown["state"], shown["checks"]) == (7, "open", "failing")
        assert (await by_mcp(mcp, "link_pull_request", task="shop#1", pull_request="octo/hall#7"))["pull_requests"] == [
            shown
        ]
        now = await by_mcp(mcp, "task_at_github", task="shop#1")
        assert (now["issue"]["number"], now["issue"]["is_followed"]) == (1, True)
        assert (await refused(mcp, "link_pull_request", task="shop#1", pull_request="octo/hall#8"))["code"] == "invalid"


@pytest.mark.rule("B1", "D8")
async def test_an_agent_does_nothing_with_tasks_of_others(server: Server, org: Org, other_org: Org):
    bound = await bind(server, org)
    await wrote(org.owner, bound.project)
    inside = await server.hire(org, "inside", level="project", project_id=bound.project["id"])
    outside = await server.hire(org, "outside", level="project", project_id=(await begun(org.owner, "Other"))["id"])
    theirs = await server.hire(other_org, "theirs")
    async with visit(server.address, inside.key) as mcp:
        assert (await by_mcp(mcp, "task_at_github", task="shop#1"))["repository"] == "octo/hall"
        for tool, more in (("make_issue", {}), ("link_pull_request", {"pull_request": "octo/hall#7"})):
            assert (await refused(mcp, tool, task="shop#1", **more))["code"] == "forbidden"
    for one in (outside, theirs):
        async with visit(server.address, one.key) as mcp:
            for tool, more in (
                ("task_at_github", {}), ("make_issue", {}), ("link_pull_request", {"pull_request": "octo/hall#7"}),
            ):  # fmt: skip
                assert (await refused(mcp, tool, task="shop#1", **more))["code"] == "not_found"
    assert done(await org.owner.api.get(f"/github/repositories/{bound.repository}/changes")).json()["items"] == []
