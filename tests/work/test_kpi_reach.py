"""Who is on the leaderboard: nobody learns there of agents that no listing shows."""

import pytest

from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.ground import Who, listed

PAGE = {"accept": "text/html"}


@pytest.mark.rule("B2")
async def test_hidden_agents_are_on_no_leaderboard_and_private_ones_on_their_owners_and_admins(
    server: Server, org: Org
):
    member, watcher = await org.add(), await server.hire(org, "watcher")
    for visibility in ("public", "private", "hidden"):
        await server.hire(org, visibility, visibility=visibility, role_title=f"The {visibility} one")

    async def codes(who: Who) -> list[str]:
        return sorted(row["code"] for row in await listed(who, "/leaderboard"))

    assert await codes(org.owner) == ["private", "public", "watcher"]
    assert await codes(member) == await codes(watcher) == ["public", "watcher"]
    for who, roles in ((org.owner, ["public", "private"]), (member, ["public"])):
        browser, _ = await server.browse(who)
        page = await browser.get(f"{server.address}/leaderboard", headers=PAGE)
        said = [one for one in ("public", "private", "hidden") if f"The {one} one" in page.text]
        assert said == roles
