"""One's own inbox at the command line and in the client library."""

from crewhall.sdk import Client
from tests.cli.conftest import Cli
from tests.conversations.ways import post
from tests.identity.hall import Org
from tests.notifications.ways import handle_of, settled
from tests.support.server import Server, token_of


async def test_the_inbox_is_listed_and_read(owner: Cli, server: Server, org: Org):
    assert "Nothing waits for you." in (await owner.run("inbox")).out
    ada, general = await org.add(), await server.general(org)
    for words in ("first", "second"):
        await post(ada, general, f"{words} @{await handle_of(org.owner)}")
    await settled(server)
    newest, oldest = await owner.ok("inbox", "--kind", "mention")
    assert (newest["message"]["excerpt"][:6], oldest["is_read"]) == ("second", False)
    assert "Ada Lovelace mentioned you in #general" in (await owner.run("inbox")).out
    await owner.ok("inbox", "--read", oldest["id"])
    assert [one["id"] for one in await owner.ok("inbox")] == [newest["id"]]
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        assert await client.notifications.unread() == 1
        assert (await client.notifications.mark_unread(oldest["id"])).is_read is False
        assert [one.id async for one in client.notifications.list(unread=True)] == [newest["id"], oldest["id"]]
        assert (await client.notifications.get(newest["id"])).path == f"/c/{general}?at=2"
        assert (await client.notifications.set_level(general, "nothing")).chosen == "nothing"
        changed = await client.notifications.change_settings(digest="daily", daily_at="07:30")
        assert (changed.daily_at, (await client.notifications.settings()).digest) == ("07:30", "daily")
    assert await owner.ok("inbox", "--read-all") == []
    assert (await owner.run("channel", "level", "general")).out == "nothing\n"
    assert (await owner.run("channel", "level", "general", "usual")).out == "mentions (as usual)\n"
    refused = await owner.run("channel", "level", "general", "loud")
    assert (refused.code, "loud is no level" in refused.err) == (2, True)
    assert (await owner.run("inbox", "--read", "nope")).code == 2
