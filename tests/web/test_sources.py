"""The pages of an agent's sources: given, read, changed, removed."""

from pathlib import Path

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors


async def test_an_agent_is_given_a_file_and_an_address(
    server: Server, org: Org, visitors: Visitors, tmp_path: Path
) -> None:
    scout = await server.hire(org, "scout")
    manual = tmp_path / "manual.md"
    manual.write_text("# Pumps\n\nThe red lever stops the pump.\n")
    page = await visitors.visit(f"/agents/{scout.id}", org.owner)
    await page.get_by_role("link", name="What it knows").click()
    await expect(page.get_by_text("Nothing to look things up in yet")).to_be_visible()
    await page.get_by_role("link", name="Add a source").first.click()
    await page.locator("input[type=file]").set_input_files(manual)
    await page.get_by_role("button", name="Give it").click()
    await expect(page.get_by_role("heading", name="manual.md", level=1)).to_be_visible()
    await page.goto(f"/agents/{scout.id}/knowledge/new?kind=url")
    await page.get_by_label("Address").fill("http://127.0.0.1/")
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_text("private network")).to_be_visible()
    await page.get_by_label("Address").fill("https://handbook.example/roasting/")
    await page.goto(f"/agents/{scout.id}/knowledge/new?kind=api")
    await page.get_by_label("Address").fill("https://handbook.example/api")
    await page.get_by_label("Text of each").fill("title\n\nbody")
    await page.get_by_label("Headers to send").fill("nobody keeps these")
    await page.get_by_role("button", name="Add it").click()
    await expect(page.get_by_label("Headers to send")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#error-headers")).to_contain_text("There is no header")
    await expect(page.get_by_label("Text of each")).to_have_value("title\n\nbody")
    # what was refused is an answer with its status, which the browser notes
    visitors.complaints[:] = [said for said in visitors.complaints if "422" not in said]
    await page.goto(f"/agents/{scout.id}/knowledge")
    await page.get_by_role("link", name="manual.md").click()
    await page.get_by_label("Name").fill("The manual")
    await page.get_by_text("On", exact=True).click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="The manual", level=1)).to_be_visible()
    await expect(page.get_by_text("off", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Remove").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("Nothing to look things up in yet")).to_be_visible()


DROP = """(place, files) => {
  const held = new DataTransfer();
  for (const [name, text] of files) held.items.add(new File([text], name));
  const about = { bubbles: true, cancelable: true, dataTransfer: held };
  const drop = (type) => place.dispatchEvent(new DragEvent(type, about));
  drop("dragenter");
  const isShown = place.hasAttribute("data-dropping");
  drop("drop");
  return isShown;
}"""
"""Drops files on a place, as a hand does; tells whether it showed that it would take them."""


async def test_files_are_dropped_on_an_agent(server: Server, org: Org, visitors: Visitors) -> None:
    visitors.tolerated = ("422",)
    scout = await server.hire(org, "scout")
    page = await visitors.visit(f"/agents/{scout.id}", org.owner)
    place = page.locator("#knowledge crew-sending")
    assert await place.evaluate(DROP, [["pumps.md", "# Pumps"], ["valves.md", "# Valves"]])
    await expect(page.get_by_role("list", name="Sources").get_by_role("link")).to_have_text(["pumps.md", "valves.md"])
    await page.locator("crew-sending").evaluate(DROP, [["scan.pdf", "no PDF"], ["seals.md", "# Seals"]])
    await expect(page.get_by_role("alert")).to_contain_text(
        "scan.pdf: scan.pdf is named as application/pdf, and is none"
    )
    await expect(page.get_by_role("alert")).to_contain_text("What else you gave is there.")
    await page.locator("crew-sending").evaluate(DROP, [["seals.md", "# Seals, again"]])
    await expect(page.get_by_role("heading", name="seals.md", level=1)).to_be_visible()


async def test_who_may_not_manage_the_agent_gives_it_nothing(server: Server, org: Org, visitors: Visitors) -> None:
    scout = await server.hire(org, "scout")
    page = await visitors.visit(f"/agents/{scout.id}", await org.add())
    await expect(page.get_by_role("heading", name="scout").first).to_be_visible()
    await expect(page.get_by_text("What it knows")).to_have_count(0)
    assert (await page.request.get(f"{server.address}/agents/{scout.id}/knowledge")).status == 403
