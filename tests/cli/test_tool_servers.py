"""Tool servers in a terminal: added, looked at, accepted, held back, removed."""

import pytest

from crewhall.kernel.outbound import Outbound
from crewhall.runtime.server_tools import ToolServers
from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.mcp_server import ForeignServer
from tests.support.server import Server


async def test_a_tool_server_is_added_looked_at_and_accepted(
    owner: Cli, server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ForeignServer() as foreign:
        monkeypatch.setattr(server.services.part(ToolServers), "_outbound", Outbound(private=[foreign.host]))
        added = await owner.ok("tool-server", "add", "tracker", foreign.url, "--token", "s3cret")
        assert {one["is_usable"] for one in added["tools"]} == {False}
        assert "s3cret" not in str(added)
        assert (await owner.run("tool-server", "accept", "tracker", "mcp-tracker-nothing")).code == 1
        accepted = await owner.ok("tool-server", "accept", "tracker", "mcp-tracker-fail")
        assert [one["name"] for one in accepted["tools"] if one["is_usable"]] == ["mcp-tracker-fail"]
        assert all(one["is_usable"] for one in (await owner.ok("tool-server", "accept", "tracker"))["tools"])
        foreign.describe("Something else.")
        assert "changed" in (await owner.run("tool-server", "refresh", "tracker")).out
        held = await owner.ok("tool-server", "hold", "tracker")
        assert not any(one["is_usable"] for one in held["tools"])
        assert "tracker" in (await owner.run("tool-server", "list")).out
        assert "removed" in (await owner.run("tool-server", "remove", "tracker")).out
        assert "tool-server add" in (await owner.run("tool-server", "list")).out
    member = await org.add("member")
    for method, path in (("GET", "/tool-servers"), ("POST", "/tool-servers")):
        body = {"name": "mine", "url": "https://tracker.example.org/mcp"}
        assert (await member.api.request(method, path, json=body if method == "POST" else None)).status_code == 403
