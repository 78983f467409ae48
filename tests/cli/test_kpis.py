"""KPIs at the command line."""

from tests.cli.conftest import Cli


async def test_the_command_line_shows_calculates_and_measures(owner: Cli):
    await owner.ok("agent", "create", "Scout", "--code", "scout")
    assert "nothing has counted" in (await owner.run("kpis", "show", "scout")).out.lower()
    one = await owner.ok("kpis", "calculate", "scout")
    assert (one["trust"], one["evidence"]) == (50, 0)
    assert (await owner.ok("kpis", "show", "scout"))["recorded_at"] == one["recorded_at"]
    assert "Trust 50: 50 + (80 - 50) x 0 / (0 + 10)" in (await owner.run("kpis", "show", "scout")).out
    assert [row["code"] for row in await owner.ok("kpis", "leaderboard", "-q", "scout")] == ["scout"]
    metric = await owner.ok("kpis", "metric", "walls", "Walls painted", "--highest", "9")
    assert [row["id"] for row in await owner.ok("kpis", "metrics")] == [metric["id"]]
    assert (await owner.run("kpis", "post", "scout", "walls", "10")).code == 1
    assert "reads 7" in (await owner.run("kpis", "post", "scout", "walls", "7")).out
    one = await owner.ok("kpis", "calculate", "scout")
    assert one["custom"] == {"walls": 7}
    assert [row["kind"] for row in await owner.ok("kpis", "evidence", "scout")] == ["metric"]
    assert len(await owner.ok("kpis", "list", "scout")) == 2
