"""What agents look things up in, from the command line."""

from pathlib import Path

from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.server import Server


async def test_an_agent_is_given_sources_and_loses_them(owner: Cli, server: Server, org: Org, tmp_path: Path) -> None:
    scout = (await server.hire(org, "scout")).code
    manual = tmp_path / "manual.md"
    manual.write_text("# Pumps\n\nThe red lever stops the pump.\n")
    added = await owner.ok("agent", "knowledge", "add", scout, str(manual))
    assert (added["type"], added["name"], added["state"]) == ("file", "manual.md", "synced")
    (listed,) = await owner.ok("agent", "knowledge", "list", scout)
    assert listed["id"] == added["id"]
    shown = await owner.ok("agent", "knowledge", "show", scout, "manual.md")
    assert [one["key"] for one in shown["items"]] == ["manual.md"]
    assert "manual.md" in (await owner.run("agent", "knowledge", "show", scout, "MANUAL.md")).out
    off = await owner.ok("agent", "knowledge", "turn", scout, "manual.md", "--off")
    assert off["state"] == "off"
    for line, said in (
        (("sync", scout, "manual.md"), "as it was sent"),
        (("cancel", scout, "manual.md"), "No sync"),
        (("add", scout, "nothing"), "no file"),
        (("add", scout, "https://x.example/", "--config", "[]"), "object"),
        (("show", scout, "nothing"), "no source"),
    ):
        refused = await owner.run("agent", "knowledge", *line)
        assert refused.code != 0, line
        assert said in refused.err, refused.err
    assert "Removed" in (await owner.run("agent", "knowledge", "remove", scout, "manual.md", "--yes")).out
    assert await owner.ok("agent", "knowledge", "list", scout) == []
