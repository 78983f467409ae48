"""Drafts and later messages at the command line."""

from datetime import timedelta

from crewhall.kernel.clock import utc_now
from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.server import Server


async def test_what_is_begun_and_what_is_planned(owner: Cli, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner, name="lab")
    await owner.ok("drafts", "keep", "lab", "half", "a", "thought")
    assert (await owner.ok("drafts", "list"))[0]["content"] == "half a thought"
    assert (await owner.run("drafts", "drop", "lab")).code == 0
    made = await owner.ok("later", "post", "lab", "tomorrow 9:00", "Good", "morning", "--timezone", "Europe/Berlin")
    assert (made["conversation_id"], made["content"], made["timezone"]) == (channel, "Good morning", "Europe/Berlin")
    assert "09:00 (Europe/Berlin)" in " ".join((await owner.run("later", "list")).out.split())
    changed = await owner.ok(
        "later",
        "change",
        made["id"],
        "--text",
        "Good evening",
        "--at",
        f"{utc_now() + timedelta(days=2):%Y-%m-%d %H:%M}",
    )
    assert changed["content"] == "Good evening"
    assert "Good evening" in (await owner.run("later", "list")).out
    assert (await owner.ok("later", "send", made["id"]))["content"] == "Good evening"
    assert (await owner.run("later", "cancel", made["id"])).code == 1
