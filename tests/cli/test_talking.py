"""Saying, following, reading and finding, and the organization behind it."""

import json

import pytest

from crewhall.sdk import Client
from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.sdk.relay import Relay
from tests.support.server import Server, token_of
from tests.support.waiting import bounded, in_time


@pytest.mark.rule("X4")
async def test_a_message_is_said_read_and_found(owner: Cli, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner, name="lab")
    said = await owner.ok("say", "lab", "the", "quick", "zebrafish", "--kind", "insight", "--title", "Seen")
    assert (said["content"], said["kind"], said["title"], said["conversation_id"]) == (
        "the quick zebrafish", "insight", "Seen", channel,
    )  # fmt: skip
    reply = await owner.ok("say", "#lab", "--reply-to", said["id"], stdin="from stdin\n")
    assert (reply["content"], reply["parent_id"]) == ("from stdin", said["id"])
    page = await owner.ok("history", channel)
    assert [item["content"] for item in page["items"]] == ["the quick zebrafish", "from stdin"]
    assert [item["id"] for item in (await owner.ok("history", "lab", "--thread", said["id"]))["items"]] == [reply["id"]]
    for _ in range(100):
        found = await owner.ok("search", "zebrafish")
        if found["items"]:
            break
    assert [hit["id"] for hit in found["items"]] == [said["id"]]
    narrowed = await owner.ok("search", "zebrafish", "from:me", "in:#lab", "kind:insight", "on:today")
    assert [hit["id"] for hit in narrowed["items"]] == [said["id"]]
    assert (await owner.ok("search", "zebrafish", "kind:question"))["items"] == []
    assert (
        len((await owner.ok("search", "zebrafish", "kind:question", "kind:insight", "-has:file", "-xyz"))["items"]) == 1
    )
    assert (await owner.ok("search", "zebrafish", "-from:me"))["items"] == []
    wrong = await owner.run("search", "zebrafish", "--limt", "3")
    assert (wrong.code, "no option --limt" in wrong.err) == (2, True)
    best = await owner.ok("search", "--everything", "zebrafish", "--in", "#lab")
    assert [one["kind"] for one in best["found"]] == ["message"] * len(best["found"]) != []
    assert "/c/" in (await owner.run("search", "--everything", "zebrafish")).out
    shown = await owner.run("history", "lab")
    assert "Ada Lovelace [insight] Seen: the quick zebrafish" in shown.out
    assert (await owner.run("say", "nowhere", "hello")).code == 1


async def test_what_cannot_be_said_is_told_as_it_is(owner: Cli, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner, name="cellar")
    await owner.ok("say", "cellar", "the last word")
    (await org.owner.api.put(f"/conversations/{channel}/archive")).raise_for_status()
    said = await owner.run("say", "cellar", "one more")
    assert (said.code, "archived" in said.err, "that you can see" in said.err) == (1, True, False)
    assert "the last word" in (await owner.run("history", "cellar")).out
    nobody = await owner.run("people", "role", "nobody", "admin")
    assert "Nobody in this organization has nobody as handle, email or id." in " ".join(nobody.err.split())
    kind = await owner.run("say", "general", "x", "--kind", "zz")
    assert (kind.code, "insight" in kind.err) != (0, False)


@pytest.mark.rule("X1")
async def test_saying_it_again_under_the_same_client_id_says_it_once(owner: Cli, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    first = await owner.ok("say", channel, "once", "--client-id", "mine")
    assert (await owner.ok("say", channel, "once", "--client-id", "mine"))["id"] == first["id"]
    other = await owner.run("say", channel, "twice", "--client-id", "mine")
    assert (other.code, "client_id_reused" in other.err) == (1, True)


@pytest.mark.rule("X2")
async def test_tail_follows_over_a_bad_network_without_gap_or_double(
    owner: Cli, server: Server, org: Org, relay: Relay
) -> None:
    channel = await server.channel(org.owner)
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        await client.messages.post(channel, "0")
        owner.env["CREWHALL_URL"] = relay.address
        following = await owner.start("tail", channel, "--after", "0", "--until", "30", "--json")
        assert following.stdout is not None
        lines = [await in_time(following.stdout.readline(), 20)]
        for n in range(1, 30):
            await client.messages.post(channel, str(n))
            if n % 7 == 0:
                relay.cut()
        async with bounded(30):
            lines += [line async for line in following.stdout]
            assert await following.wait() == 0
    assert [json.loads(line)["content"] for line in lines] == [str(n) for n in range(30)]


async def test_what_others_write_cannot_command_the_terminal(owner: Cli, server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    await owner.ok("say", channel, "red \x1b[31malert\x07 [bold]plain[/bold]")
    shown = await owner.run("history", channel)
    assert "\x1b" not in shown.out
    assert "\x07" not in shown.out
    assert "[bold]plain[/bold]" in shown.out


async def test_a_direct_message_by_handle(owner: Cli, server: Server, org: Org) -> None:
    agent = await server.hire(org)
    said = await owner.ok("say", f"@{agent.code}", "just us")
    shown = (await agent.api.get(f"/conversations/{said['conversation_id']}")).json()
    assert shown["kind"] == "direct"


async def test_channels(owner: Cli, server: Server, org: Org) -> None:
    made = await owner.ok("channel", "create", "#plans", "--private", "--description", "Ours")
    assert (made["name"], made["type"]) == ("plans", "private")
    agent = await server.hire(org)
    members = await owner.ok("channel", "members", "plans", "--add", f"@{agent.code}")
    assert {member["handle"] for member in members} >= {agent.code}
    members = await owner.ok("channel", "members", "plans", "--owner", agent.code)
    assert [member["handle"] for member in members if member["role"] == "owner"] == [agent.code]
    members = await owner.ok("channel", "members", "plans", "--remove", agent.code)
    assert agent.code not in {member["handle"] for member in members}
    assert "plans" in {found["name"] for found in await owner.ok("channel", "list", "--mine")}
    assert (await owner.ok("channel", "archive", "plans"))["status"] == "archived"
    refused = await owner.run("say", made["id"], "too late")
    assert (refused.code, "conversation_closed" in refused.err) == (1, True)
    assert (await owner.ok("channel", "restore", "plans"))["status"] == "active"
    grace = await org.add()
    public = await server.channel(org.owner, name="open-door")
    owner.env["CREWHALL_TOKEN"] = token_of(grace.api)
    assert (await owner.ok("channel", "join", "open-door"))["is_member"] is True
    assert (await owner.run("channel", "leave", public)).code == 0
    assert (await owner.run("channel", "join", "plans")).code == 1


async def test_agents_and_keys(owner: Cli, server: Server, org: Org) -> None:
    made = await owner.ok("agent", "create", "Scout", "--code", "scout", "--capability", "search", "--key")
    assert made["credential"]["key"].startswith("cwk_")
    assert [found["code"] for found in await owner.ok("agent", "list", "--capability", "search")] == ["scout"]
    assert (await owner.ok("agent", "update", "@scout", "--role-title", "Finder"))["role_title"] == "Finder"
    prefix = made["credential"]["prefix"]
    turned = await owner.ok("agent", "key", "rotate", "scout", prefix)
    assert turned["prefix"] != prefix
    created = await owner.ok("agent", "key", "create", "scout", "--label", "laptop", "--days", "3")
    assert created["expires_at"] is not None
    await owner.ok("agent", "key", "revoke", "scout", created["prefix"])
    keys = {key["prefix"]: key for key in await owner.ok("agent", "key", "list", "scout")}
    assert [keys[each]["is_active"] for each in (prefix, turned["prefix"], created["prefix"])] == [False, True, False]
    assert all(key.get("key") is None for key in keys.values())
    listed = await owner.run("agent", "list")
    assert "Finder" in listed.out
    config = {"provider": "crewhall", "model": "guide"}
    changed = {"model_config": config, "tools": ["search_messages"]}
    (await org.owner.api.patch(f"/agents/{made['agent']['id']}", json=changed)).raise_for_status()
    shown = (await owner.run("agent", "show", "scout")).out
    assert all(fact in shown for fact in ("crewhall:guide", "search_messages", "trust"))
    assert "never" not in shown
    assert (await owner.run("agent", "delete", "scout", "--yes")).code == 0
    assert (await owner.run("agent", "show", "scout")).code == 1


@pytest.mark.rule("E1")
async def test_people_and_organizations(owner: Cli, org: Org) -> None:
    grace = await org.add()
    listed = {person["email"]: person for person in await owner.ok("people", "list")}
    assert listed[grace.email]["role"] == "member"
    assert (await owner.ok("people", "role", grace.email, "admin"))["role"] == "admin"
    sent = await owner.ok("people", "invite", "new@example.org")
    assert sent["token"] in sent["link"]
    second = await owner.ok("org", "create", "Second hall")
    assert {found["slug"]: found["current"] for found in await owner.ok("org", "list")} == {
        org.slug: True,
        second["slug"]: False,
    }
    member = await org.add()
    owner.env["CREWHALL_TOKEN"] = token_of(member.api)
    refused = await owner.run("people", "role", grace.email, "member")
    assert (refused.code, "forbidden" in refused.err) == (1, True)
