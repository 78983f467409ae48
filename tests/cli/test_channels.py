"""What becomes of a channel: changed, archived, restored, deleted; what is pinned in it."""

import pytest

from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.server import Server, token_of


async def test_a_channel_is_renamed_archived_listed_and_restored(owner: Cli, org: Org) -> None:
    await owner.ok("channel", "create", "draft")
    changed = await owner.ok("channel", "update", "draft", "--name", "final", "--description", "Done.", "--private")
    assert (changed["name"], changed["description"], changed["type"]) == ("final", "Done.", "private")
    assert (await owner.run("channel", "update", "final")).code == 2
    assert (await owner.run("channel", "restore", "final")).code == 1, "it is not archived"
    await owner.ok("channel", "archive", "final")
    assert "final" not in {found["name"] for found in await owner.ok("channel", "list")}
    assert {found["name"] for found in await owner.ok("channel", "list", "--archived")} == {"final"}
    assert "#final" in (await owner.run("channel", "restore", "#final")).out


async def test_deleting_asks_first(owner: Cli, org: Org) -> None:
    made = await owner.ok("channel", "create", "passing")
    kept = await owner.run("channel", "delete", "passing", stdin="n\n")
    assert (kept.code, "#passing" in kept.err) == (1, True)
    assert (await owner.run("channel", "delete", "passing")).code == 1, "nobody answered"
    assert made["id"] in {found["id"] for found in await owner.ok("channel", "list")}
    assert (await owner.ok("channel", "delete", "passing", "--yes"))["id"] == made["id"]
    assert (await owner.run("history", made["id"])).code == 1
    await owner.ok("channel", "create", "shelved")
    await owner.ok("channel", "archive", "shelved")
    assert (await owner.run("channel", "delete", "shelved", stdin="y\n")).code == 0
    assert await owner.ok("channel", "list", "--archived") == []


@pytest.mark.rule("E1")
async def test_members_delete_no_channel_of_others(owner: Cli, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner, name="safe")
    grace = await org.add()
    owner.env["CREWHALL_TOKEN"] = token_of(grace.api)
    refused = await owner.run("channel", "delete", channel, "--yes")
    assert (refused.code, "forbidden" in refused.err) == (1, True)


@pytest.mark.rule("E4")
async def test_messages_are_pinned_by_seq_or_id(owner: Cli, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner, name="notes")
    assert "Nothing is pinned" in (await owner.run("channel", "pins", "notes")).out
    first, second = [await owner.ok("say", channel, text) for text in ("one", "two")]
    assert (await owner.ok("channel", "pin", "notes", str(first["seq"])))["pinned_at"]
    assert (await owner.ok("channel", "pin", "#notes", second["id"]))["id"] == second["id"]
    assert [found["content"] for found in await owner.ok("channel", "pins", "notes")] == ["two", "one"]
    shown = await owner.run("channel", "pins", "notes")
    assert shown.out.index("two") < shown.out.index("one")
    assert f"Unpinned {first['seq']}." in (await owner.run("channel", "unpin", "notes", str(first["seq"]))).out
    assert [found["id"] for found in await owner.ok("channel", "pins", "notes")] == [second["id"]]
    absent = await owner.run("channel", "pin", "notes", "999")
    assert (absent.code, "not_found" in absent.err) == (1, True)
