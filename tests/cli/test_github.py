"""GitHub at the command line: every command, as a table and as JSON, and what it says when something is wrong."""

import asyncio
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from crewhall.adapters.github.kit import KitGithub
from tests.cli.conftest import Cli, QuickCli
from tests.github.ground import Wired
from tests.github.hub import TOKEN, Hub, HubGithub
from tests.github.test_sync import read
from tests.identity.hall import Org
from tests.issues.ground import Bound
from tests.support.server import Server, token_of
from tests.support.waiting import until
from tests.work.ground import begun, listed, wrote


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A GitHub with an issue that answers to whatever this process asks."""
    hub = Hub()
    hub.add_issue()
    monkeypatch.setattr(KitGithub, "ask", HubGithub(hub).ask)
    return hub


async def waiting(server: Server, org: Org, field: str) -> UUID:
    """The repository that waits for the worker, by this of its fields."""

    async def look() -> UUID | None:
        found = await listed(org.owner, "/github/repositories")
        return next((UUID(one["id"]) for one in found if one[field] in {True, "waiting"}), None)

    return await until(look)


async def test_github_is_set_up_and_looked_after_at_the_command_line(owner: Cli, server: Server, org: Org, hub: Hub):
    assert "None: `crewhall github add" in (await owner.run("github", "list")).out
    owner.env["CREWHALL_GITHUB_TOKEN"] = TOKEN
    told = (await owner.run("github", "connect", "--name", "Octo")).out
    assert "Octo is connected" in told
    assert "/api/v1/github/hooks/" in told
    assert TOKEN not in told
    secret = told.split("Secret")[1].strip()
    assert "GitHub answered: octocat." in (await owner.run("github", "check")).out
    assert (await owner.ok("github", "check", "Octo"))["answered"] == "octocat"
    hub.failures = [(401, {})]
    refused = await owner.run("github", "check")
    assert (refused.code, "GitHub answered 401" in refused.err) == (1, True)

    assert "`crewhall github sync octo/hall` waits" in (await owner.run("github", "add", "octo/hall")).out
    assert (await owner.run("github", "add", "octo/hall")).code == 1, "it is mirrored already"
    (connection,) = await listed(org.owner, "/github/connections")
    wired = Wired(server, org, connection["id"], secret)
    await read(wired, await waiting(server, org, "state"), hub)
    syncing = asyncio.create_task(owner.run("github", "sync", "octo/hall"))
    await read(wired, await waiting(server, org, "state"), hub)
    assert "octo/hall is read: " in (await syncing).out
    assert "synced" in (await owner.run("github", "list")).out
    assert [one["full_name"] for one in await owner.ok("github", "list")] == ["octo/hall"]

    project = await begun(org.owner)
    linking = asyncio.create_task(owner.run("github", "link", "octo/hall", "shop", "--makes-issues", "--keep-comments"))
    bound = Bound(wired, await waiting(server, org, "is_filling"), project, hub)
    await bound.fill()
    assert "octo/hall is linked to shop: 1 issues are tasks." in (await linking).out
    (found,) = await owner.ok("github", "list")
    assert (found["makes_issues"], found["sends_comments"], found["tasks_done"]) == (True, False, 1)

    await wired.deliver("ping", b"{}", delivery="first")
    await wired.deliver("issues", b"{", delivery="second")
    await wired.do_all()
    (failed,) = await owner.ok("github", "deliveries", "--status", "failed")
    assert (failed["delivery"], failed["event"]) == ("second", "issues")
    table = (await owner.run("github", "deliveries", "--limit", "1")).out
    assert ("issues" in table, "ping" in table) == (True, False)
    assert "It is done again." in (await owner.run("github", "redeliver", failed["id"])).out
    assert (await wired.became())["second"][0] == "waiting"

    assert "linked to no project" in (await owner.run("github", "unlink", "OCTO/hall")).out
    unsure = await owner.run("github", "remove", "octo/hall", stdin="n\n")
    assert (unsure.code, len(await owner.ok("github", "list"))) == (1, 1)
    assert "mirrored no more" in (await owner.run("github", "remove", "octo/hall", "--yes")).out
    assert await owner.ok("github", "list") == []


async def test_a_task_at_github_at_the_command_line(owner: Cli, server: Server, org: Org, hub: Hub):
    made = await owner.ok("github", "connect", "--token", TOKEN)
    added = await owner.ok("github", "add", "octo/hall", "--connection", made["name"])
    hub.add_pull(body="")
    wired = Wired(server, org, made["id"], made["webhook_secret"])
    await read(wired, UUID(added["id"]), hub)
    project = await begun(org.owner)
    linking = asyncio.create_task(owner.ok("github", "link", "octo/hall", "shop"))
    bound = Bound(wired, await waiting(server, org, "is_filling"), project, hub)
    await bound.fill()
    assert (await linking)["project_id"] == project["id"]
    await wrote(org.owner, project)
    assert "No issue." in (await owner.run("task", "github", "shop#2")).out
    assert (await owner.run("task", "comment", "shop#2", "Before", "there", "was", "one")).code == 0
    await bound.follow()
    asked = await owner.ok("task", "github", "shop#2", "--make-issue")
    assert [one["kind"] for one in asked["changes"]] == ["create_issue"]
    assert "create_issue waiting" in (await owner.run("task", "github", "shop#2")).out
    twice = await owner.run("task", "github", "shop#2", "--make-issue")
    assert (twice.code, "gets one in a moment" in twice.err) == (1, True)
    await bound.send()
    shown = (await owner.run("task", "github", "shop#2")).out
    assert "Issue  octo/hall#3 open" in shown
    assert "Comments made before there was an issue: 1." in shown
    assert (await owner.ok("task", "github", "shop#2", "--send-comments"))["unsent_comments"] == 0
    await bound.send()
    assert "Before there was one" in hub.comments[0]["body"]
    linked = (await owner.run("task", "github", "shop#2", "--pull-request", "octo/hall#2")).out
    assert ("octo/hall#2" in linked, "open" in linked) == (True, True)
    unknown = await owner.run("task", "github", "shop#2", "--pull-request", "octo/hall#99")
    assert (unknown.code, "is known here" in unknown.err) == (1, True)


async def test_what_is_wrong_is_said_with_what_to_do(owner: Cli, tmp_path: Path, server: Server, org: Org, hub: Hub):
    assert "`crewhall github connect`" in (await owner.run("github", "check")).err
    assert (await owner.run("github", "connect")).code == 1, "neither a token nor an app"
    assert "There is no file" in (await owner.run("github", "connect", "--app-id", "1", "--private-key", "no.pem")).err
    for name in ("One", "Two"):
        await owner.ok("github", "connect", "--token", TOKEN, "--name", name)
    assert "--connection" in (await owner.run("github", "add", "octo/hall")).err
    for words in (("sync",), ("unlink",), ("remove", "--yes"), ("link",)):
        named = (words[0], "octo/none", *(["shop"] if words[0] == "link" else words[1:]))
        if words[0] == "link":
            await begun(org.owner)
        result = await owner.run("github", *named)
        assert (result.code, "`crewhall github list`" in result.err) == (1, True), words
    assert (await owner.run("github", "redeliver", "00000000-0000-7000-8000-000000000000")).code == 1
    assert "Nothing has come yet." in (await owner.run("github", "deliveries")).out
    assert (await owner.run("github", "deliveries", "--status", "lost")).code == 1
    await owner.ok("github", "add", "octo/hall", "--connection", "One")
    (added,) = await owner.ok("github", "list")
    (connection,) = [one for one in await listed(org.owner, "/github/connections") if one["name"] == "One"]
    wired = Wired(server, org, connection["id"], "")
    await read(wired, await waiting(server, org, "state"), hub)
    syncing = asyncio.create_task(owner.run("github", "sync", "octo/hall"))
    found = await waiting(server, org, "state")
    hub.failures = [(404, {})] * 3
    await read(wired, found, hub)
    refused = await syncing
    assert (refused.code, "404" in refused.err) == (1, True)
    assert msgspec.json.decode((await owner.run("github", "list", "--json")).out)[0]["problem"], added
    member = QuickCli(tmp_path / "member", server.address, CREWHALL_TOKEN=token_of((await org.add()).api))
    for asked in (("list",), ("connect", "--token", TOKEN), ("deliveries",), ("remove", "octo/hall", "--yes")):
        result = await member.run("github", *asked)
        assert (result.code, "may" in result.err) == (1, True), result.err
