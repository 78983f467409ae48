"""The wiki in the browser: written beside its preview, proposed, decided about, overtaken, rolled back."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.identity.hall import Org
from tests.knowledge.test_wiki import approved, decided, edited, wrote
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors


async def write(page: Page, title: str, content: str) -> None:
    await page.get_by_label("Title").fill(title)
    await page.get_by_role("textbox", name="Text", exact=True).fill(content)


@pytest.mark.rule("D9")
async def test_a_member_proposes_and_the_owner_approves(visitors: Visitors, org: Org):
    member = await org.add()
    page = await visitors.visit("/wiki", member)
    await page.get_by_role("link", name="Write the first entry").click()
    await write(page, "How we brew", "## Water\n\n94 °C, see [[Kettles]].")
    await expect(page.get_by_role("region", name="Preview").get_by_role("heading", name="Water")).to_be_visible()
    await expect(page.get_by_role("region", name="Preview").get_by_role("link", name="Kettles")).to_have_class(
        "missing"
    )
    await expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    await page.get_by_role("button", name="Propose").click()
    await expect(page.get_by_text("It waits for a decision of an owner or admin.")).to_be_visible()
    owner = await visitors.visit("/wiki/review", org.owner)
    await owner.get_by_role("link", name="How we brew").click()
    await owner.get_by_text("Reject…").click()
    await owner.get_by_label("Why").fill("Which kettle?")
    await owner.get_by_role("button", name="Reject", exact=True).click()
    await expect(owner.get_by_text("Nothing waits")).to_be_visible()
    await page.goto("/wiki")
    await expect(page.get_by_text("Which kettle?")).to_be_visible()
    await page.get_by_role("link", name="How we brew").click()
    await page.get_by_role("link", name="Write it anew").click()
    await write(page, "How we brew", "## Water\n\n94 °C, from the small kettle.\n\n## Coffee\n\n12 g.")
    await page.get_by_role("button", name="Propose").click()
    await expect(page.get_by_text("It waits for a decision")).not_to_have_count(0)
    await owner.goto("/wiki/review")
    await owner.get_by_role("link", name="How we brew").click()
    await owner.get_by_role("button", name="Approve").click()
    await expect(
        owner.get_by_role("navigation", name="On this page").get_by_role("link", name="Coffee")
    ).to_be_visible()
    assert owner.url.endswith("/wiki/how-we-brew")


async def test_what_was_typed_is_back_when_the_page_was_left(visitors: Visitors, org: Org):
    page = await visitors.visit("/wiki/new", org.owner)
    await write(page, "Kettles", "The small one.")
    await page.goto("/wiki")
    await page.goto("/wiki/new")
    await expect(page.get_by_text("What you had typed here is back.")).to_be_visible()
    await expect(page.get_by_label("Title")).to_have_value("Kettles")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.get_by_role("heading", name="Kettles").last).to_be_visible()
    await page.goto("/wiki/new")
    await expect(page.get_by_label("Title")).to_have_value("")


async def test_who_was_overtaken_sees_what_the_other_changed(visitors: Visitors, org: Org):
    visitors.tolerated = ("409",)
    first = await approved(org, title="Kettles", content="The small one.")
    page = await visitors.visit("/wiki/kettles/edit", org.owner)
    await expect(page.get_by_label("Title")).to_have_value("Kettles")
    ada = await org.add()
    await decided(org.owner, (await edited(ada, first, content="The big one.")).raise_for_status().json())
    await write(page, "Kettles", "The small one, always.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="changed this entry meanwhile")).to_be_visible()
    await expect(page.locator(".changes del").first).to_have_text("big")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("article").get_by_text("The small one, always.")).to_be_visible()
    await page.goto("/wiki/kettles/history")
    await page.get_by_role("button", name="Go back to this").first.click()
    await expect(page.get_by_role("article").get_by_text("The big one.")).to_be_visible()


@pytest.mark.rule("D9")
async def test_an_entry_of_a_project_is_written_found_and_led_to(visitors: Visitors, org: Org):
    (await org.owner.api.post("/projects", json={"name": "Till"})).raise_for_status()
    page = await visitors.visit("/projects/till", org.owner)
    await page.get_by_role("navigation", name="Till").get_by_role("link", name="Wiki").click()
    await page.get_by_role("link", name="Write an entry").click()
    await write(page, "Drawers", "They open by themselves.")
    await expect(page.get_by_label("About")).to_have_value(re.compile("..."))
    await page.get_by_role("button", name="Publish").click()
    await page.get_by_role("article").get_by_role("link", name="Till").click()
    await expect(page.get_by_role("heading", name="Wiki of Till")).to_be_visible()
    await expect(page.get_by_role("list", name="Entries").get_by_text("Till", exact=True)).to_be_visible()
    found = (await org.owner.api.get("/documents", params={"q": "Drawers"})).json()["items"]
    await page.goto(f"/documents/{found[0]['id']}")
    await page.get_by_role("link", name="the wiki: Drawers").click()
    await expect(page.get_by_role("article").get_by_text("They open by themselves.")).to_be_visible()


async def test_pages_of_others_drafts_are_not_there_and_phones_have_room(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("404", "403")
    member = await org.add()
    draft = await wrote(member, title="Mine", draft=True)
    waiting = await wrote(member, title="Ours", content="| a | b |\n|-|-|\n" + "| long words in it | 1 |\n" * 3)
    page = await visitors.visit(f"/wiki/versions/{draft['id']}", org.owner)
    await expect(page.get_by_text("There is no such version")).to_be_visible()
    await page.goto(f"/wiki/versions/{waiting['id']}/edit")
    await expect(page.get_by_text("Write a version of your own")).to_be_visible()
    phone = await visitors.visit(f"/wiki/versions/{waiting['id']}/edit", member, **PHONE)
    await expect(phone.get_by_role("region", name="Preview")).to_be_hidden()
    await phone.get_by_role("button", name="Preview").click()
    await expect(phone.get_by_role("region", name="Preview").get_by_role("table")).to_be_visible()
    assert not await phone.evaluate("document.documentElement.scrollWidth > innerWidth")
