"""Groups from the command line, and sharing a session."""

from tests.cli.conftest import Cli
from tests.conversations.ways import post
from tests.identity.hall import Org
from tests.support.server import Server


async def test_groups_and_shared_sessions(owner: Cli, server: Server, org: Org) -> None:
    friend, agent = await org.add(), await server.hire(org)
    me = (await friend.api.get("/me")).json()["user"]["handle"]
    made = await owner.ok("group", "create", "Launch", "--with", f"@{me}", "--with", f"@{agent.code}")
    assert (made["kind"], made["status"]) == ("group", "active")
    settled = await owner.ok("group", "idle", "--after-hours", "48")
    assert settled == {"idle_after_hours": 48, "archive_after_days": 7}
    assert (await owner.ok("channel", "update", made["id"], "--keep-open"))["stays_open"] is True
    assert [each["archives_at"] for each in await owner.ok("group", "list")] == [None]
    (reader,) = await owner.ok("share", f"@{agent.code}", f"@{me}")
    assert (reader["member_id"], reader["role"]) == (str(friend.id), "reader")
    (session,) = (await friend.api.get("/conversations", params={"kind": "direct"})).json()["items"]
    await post(org.owner, session["id"], "read this")
    assert "Nobody reads it along." in (await owner.run("unshare", session["id"], f"@{me}")).out
