"""An agent's day, and a person's, at the command line."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli, QuickCli
from tests.identity.hall import Org
from tests.support.server import Server


@pytest.mark.rule("D4")
async def test_an_agents_day_at_the_command_line(server: Server, org: Org, owner: Cli, tmp_path: Path):
    hired = await server.hire(org)
    assistant = QuickCli(tmp_path, server.address, CREWHALL_TOKEN=hired.key)
    await owner.ok("project", "create", "Shop")
    await owner.ok("task", "create", "shop", "Paint it", "--priority", "P1")
    assert "no_session" in (await assistant.run("session", "log", "Too early.")).err
    begun = await assistant.run("session", "start", "Paint", "--project", "shop")
    assert "1 task is free" in begun.out
    assert "session_open" in (await assistant.run("session", "start")).err
    assert (await assistant.ok("session", "next"))["title"] == "Paint it"
    assert "Noted." in (await assistant.run("session", "log", "Half", "is", "blue.")).out
    assert (await assistant.ok("session", "problem", "The brush is stiff.", "--severity", "low"))["session_id"]
    assert "Asked." in (await assistant.run("session", "ask", "Who has another?")).out
    assert (await assistant.ok("session", "done", "shop#1"))["status"] == "completed"
    shown = (await assistant.run("session", "show")).out
    assert "Half is blue." in shown
    assert "shop#1 Paint it" in shown
    day = await owner.ok("day")
    assert [one["session"]["agent"]["id"] for one in day["at_work"]] == [hired.id]
    assert "Who has another?" in (await owner.run("day")).out
    assert "It is over" in (await assistant.run("session", "stop", "--hand-off", "All blue.")).out
    assert "No work session is open" in (await assistant.run("session", "problem", "It rains.")).out
    again = await assistant.ok("session", "start")
    assert again["handed_over"]["hand_off"] == "All blue."
    listed = await owner.ok("session", "list", "--agent", hired.code)
    assert [one["stop_reason"] for one in listed] == [None, "stopped"]
    over = await owner.ok("session", "stop", listed[0]["id"])
    assert over["stopped_by"]["id"] == str(org.owner.id)
    assert "All blue." in (await owner.run("session", "show", listed[1]["id"])).out
    assert "forbidden" in (await owner.run("session", "start")).err
    assert "forbidden" in (await assistant.run("day")).err
