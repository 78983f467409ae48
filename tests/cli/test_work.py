"""Projects and tasks at the command line, and through the client library that it uses."""

from tests.cli.conftest import Cli


async def test_projects_and_tasks_at_the_command_line(owner: Cli):
    made = await owner.ok("project", "create", "Shop", "--about", "Sell.", "--repository", "https://example.org/shop")
    assert made["slug"] == "shop"
    first = await owner.ok("task", "create", "shop", "Paint it", "--priority", "P1", "--label", "ui",
                           "--criterion", "Blue", "--due", "2030-01-31")  # fmt: skip
    assert (first["number"], first["labels"], first["deadline"][:4]) == (1, ["ui"], "2030")
    await owner.ok("task", "create", "shop", "Buy paint")
    waits = await owner.ok("task", "wait", "shop#1", "shop#2")
    assert waits["waits_for"] == 1
    taken = await owner.ok("task", "next", "--project", "shop")
    assert taken["title"] == "Buy paint"
    assert "Nothing is to be taken" in (await owner.run("task", "next")).out
    assert (await owner.ok("task", "complete", "shop#2"))["status"] == "completed"
    assert (await owner.ok("task", "start", "shop#1"))["status"] == "in_progress"
    assert (await owner.ok("task", "block", "shop#1", "No", "paint."))["blocked_reason"] == "No paint."
    assert (await owner.ok("task", "assign", "shop#1", "-"))["assignee"] is None
    assert (await owner.ok("task", "change", "shop#1", "--status", "backlog", "--title", "Paint"))["title"] == "Paint"
    assert (await owner.run("task", "comment", "shop#1", "Which", "blue?")).code == 0
    assert [one["number"] for one in await owner.ok("task", "list", "--project", "shop", "--label", "ui")] == [1]
    assert "Paint" in (await owner.run("task", "list", "paint")).out
    assert "Blue" in (await owner.run("task", "show", "shop#1")).out
    assert (await owner.run("task", "delete", "shop#1")).code == 0
    assert (await owner.ok("task", "restore", "shop#1"))["deleted_at"] is None
    assert (await owner.ok("project", "change", "shop", "--name", "Store"))["name"] == "Store"
    assert "Store" in (await owner.run("project", "list")).out
    assert (await owner.run("project", "archive", "shop")).code == 0
    assert (await owner.run("project", "restore", "shop")).code == 0
    assert len(await owner.ok("project", "members", "shop")) == 1
    assert (await owner.run("project", "delete", "shop", "--confirm", "other")).code == 1
    assert (await owner.run("project", "delete", "shop", "--confirm", "shop")).code == 0
    assert "No projects" in (await owner.run("project", "list")).out
