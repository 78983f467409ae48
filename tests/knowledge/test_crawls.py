"""Sites that mean no good: each crawl ends at its limit, says so, and keeps what it has."""

from urllib.parse import urlsplit

import pytest

from crewhall.knowledge.sources import urls
from tests.identity.hall import Org
from tests.knowledge.source_ground import Synced
from tests.knowledge.trap_server import trapping
from tests.support.server import Server


@pytest.fixture
async def agent(org: Org) -> str:
    """An agent of the organization."""
    return str((await org.owner.api.post("/agents", json={"name": "Scout"})).raise_for_status().json()["id"])


@pytest.mark.rule("B3")
async def test_a_maze_ends_at_its_pages_and_a_calendar_at_its_depth(server: Server, org: Org, agent: str):
    async with trapping() as trap:
        source = Synced(server, org, agent, trap)  # type: ignore[arg-type]
        found = await source.add("url", f"{trap.address}/maze/", depth=8, pages=12, delay_s=0)
        assert (found["state"], found["counts"]["seen"], found["item_count"]) == ("synced", 12, 12)
        assert "12 pages" in found["cut"]
        assert len(trap.asked) == 13, "and robots.txt"
        again = await source.again()
        assert (again["item_count"], again["cut"]) == (12, found["cut"])
        log = (await org.owner.api.get(f"{source.base}/{source.id}/syncs")).json()["items"]
        assert [one["cut"] for one in log] == [found["cut"]] * 2
        calendar = Synced(server, org, agent, trap)  # type: ignore[arg-type]
        found = await calendar.add("url", f"{trap.address}/calendar", depth=3, pages=1000, delay_s=0)
        assert (found["state"], found["counts"]["seen"], found["cut"]) == ("synced", 4, None)


async def test_a_path_that_repeats_itself_is_not_followed(server: Server, org: Org, agent: str):
    async with trapping() as trap:
        source = Synced(server, org, agent, trap)  # type: ignore[arg-type]
        await source.add("url", f"{trap.address}/maze/a/a/", depth=8, pages=40, delay_s=0)
        paths = [urlsplit(one).path for one in trap.asked]
        assert "/maze/a/a/a/" in paths
        assert not [one for one in paths if one.count("a/") > 3]


async def test_a_page_without_end_is_left_out_and_what_comes_with_it_kept(server: Server, org: Org, agent: str):
    async with trapping() as trap:
        source = Synced(server, org, agent, trap)  # type: ignore[arg-type]
        found = await source.add("url", f"{trap.address}/much", depth=1, delay_s=0)
        assert (found["state"], found["counts"]["fresh"]) == ("synced", 1)
        found = await Synced(server, org, agent, trap).add("url", f"{trap.address}/huge")  # type: ignore[arg-type]
        assert (found["state"], found["counts"]["failed"]) == ("synced", 1)
        (item,) = (await org.owner.api.get(f"{source.base}/{found['id']}/items")).json()["items"]
        assert item["failure"] == "It is too large."


@pytest.mark.rule("B3")
async def test_a_host_that_drips_is_left_alone_and_what_came_before_is_kept(
    server: Server, org: Org, agent: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(urls, "MOST_LOST", 2)
    async with trapping() as trap:
        trap.time_s = 1.5
        source = Synced(server, org, agent, trap)  # type: ignore[arg-type]
        found = await source.add("url", f"{trap.address}/drips/", depth=1, delay_s=0)
        assert (found["state"], found["counts"]["fresh"], found["counts"]["failed"]) == ("waiting", 1, 1)
        assert "2 times in a row" in found["failure"]
        assert sum(one.startswith("/drips/") for one in trap.asked) == 3
        assert f"{trap.address}/drips/" in await source.items()


async def test_what_takes_too_long_ends_and_keeps_what_it_did_not_reach(server: Server, org: Org, agent: str):
    async with trapping() as trap:
        source = Synced(server, org, agent, trap)  # type: ignore[arg-type]
        found = await source.add("url", f"{trap.address}/slow/", depth=1, pages=6, delay_s=0)
        assert (found["state"], found["item_count"]) == ("synced", 6)
        source.worker._most_time_s = 0.2
        found = await source.again()
        assert (found["state"], found["item_count"], found["counts"]["gone"]) == ("synced", 6, 0)
        assert "longer than 0.2 s" in found["cut"]
