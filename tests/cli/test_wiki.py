"""The wiki at the command line, and through the client library that it uses."""

from pathlib import Path

from tests.cli.conftest import Cli


async def test_an_entry_from_a_file_to_what_everybody_reads(owner: Cli, tmp_path: Path) -> None:
    text = tmp_path / "sheet.md"
    text.write_text("One sheet for each lot.")
    made = await owner.ok("wiki", "propose", "Cupping sheet", str(text), "--tag", "cupping")
    assert (made["status"], made["slug"]) == ("pending_approval", "cupping-sheet")
    assert "Cupping sheet" in (await owner.run("wiki", "review")).out
    first = await owner.ok("wiki", "approve", made["id"], "--reason", "Good")
    assert first["status"] == "approved"
    text.write_text("Two sheets for each lot.")
    again = await owner.ok("wiki", "propose", "cupping-sheet", str(text), "--change", "--note", "More paper")
    told = (await owner.run("wiki", "diff", again["id"])).out
    assert ("[-One sheet-]" in told, "{+Two sheets+}" in told) == (True, True)
    refused = await owner.ok("wiki", "reject", again["id"], "One", "is", "enough.")
    assert (refused["status"], refused["reason"]) == ("rejected", "One is enough.")
    shown = (await owner.run("wiki", "show", "Cupping sheet")).out
    assert ("One sheet for each lot." in shown, "Tags" in shown) == (True, True)
    assert [one["slug"] for one in await owner.ok("wiki", "list", "sheets")] == ["cupping-sheet"]
    history = await owner.ok("wiki", "history", "cupping-sheet")
    assert [one["status"] for one in history] == ["rejected", "pending_approval", "approved", "pending_approval"]
    assert (await owner.run("wiki", "rollback", "cupping-sheet", first["id"])).code == 1
    assert (await owner.run("wiki", "archive", "cupping-sheet")).code == 0
    assert (await owner.run("wiki", "show", "cupping-sheet")).code == 1
    assert "Cupping sheet" in (await owner.run("wiki", "review", "--archived")).out
    assert (await owner.run("wiki", "restore", "cupping-sheet")).code == 0
    assert "Cupping sheet" in (await owner.run("wiki", "list")).out
    assert (await owner.run("wiki", "propose", "Other", str(tmp_path / "missing.md"))).code == 2


async def test_an_entry_of_a_project(owner: Cli, tmp_path: Path) -> None:
    text = tmp_path / "drawers.md"
    text.write_text("They open by themselves.")
    slug = (await owner.ok("project", "create", "Till drawers"))["slug"]
    made = await owner.ok("wiki", "propose", "Drawers", str(text), "--project", slug)
    await owner.ok("wiki", "approve", made["id"])
    assert [one["title"] for one in await owner.ok("wiki", "list", "--project", slug)] == ["Drawers"]
    assert "Till drawers" in (await owner.run("wiki", "show", "Drawers")).out
    assert (await owner.run("wiki", "propose", "Drawers", str(text), "--change", "--project", slug)).code == 2
