"""A file on its way to being searchable, on the pages where one sees it; its text, open at what is cited."""

import re

import pytest
from playwright.async_api import expect

from tests.documents.conftest import alone
from tests.documents.ground import attached, ended, means, working
from tests.files.making import post, sent
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors

__all__ = ["alone"]
TEXT = "# Pumps\n\n<script>alert(1)</script>\n\n" + "\n\n".join(
    f"## Chapter {n}\n\nThe lever {n} stops pump {n}. " + "It is red, and hard to turn. " * 25 for n in range(70)
)


@pytest.mark.rule("B8")
async def test_cards_lists_and_pages_say_how_far_a_file_is_while_it_changes(
    visitors: Visitors, server: Server, org: Org
):
    general, friend = await server.general(org), await org.add()
    page = await visitors.visit(f"/c/{general}", friend)
    kinds = {"pumps.md": TEXT.encode(), "all.zip": b"PK\x05\x06" + b"\0" * 18}
    files = [await sent(org.owner, general, data, name) for name, data in kinds.items()]
    await post(org.owner, general, *files)
    cards = page.locator(".message .file")
    await expect(cards.nth(0).locator(".standing")).to_have_text("Waiting to be read")
    await expect(cards.nth(1).locator(".standing")).to_be_hidden()
    listed = await visitors.visit("/files", org.owner)
    rows = listed.locator(".filed")
    await expect(rows.nth(1).locator(".standing")).to_have_text("Waiting to be read")
    await expect(rows.nth(0)).to_contain_text("Not searchable")
    async with working(server, means(server, live=server.hub)):
        reading = (await org.owner.api.get(f"/files/{files[0]['id']}")).json()["document"]
        await ended(org, reading["id"])
        for shown in (cards.nth(0), rows.nth(1)):
            await expect(shown.locator(".standing")).to_have_text("Searchable")
    await listed.get_by_label("Part of a file's name").fill("PUMP")
    await listed.get_by_role("button", name="Show").click()
    await expect(rows).to_have_count(1)
    await rows.get_by_role("link", name="pumps.md", exact=True).click()
    await expect(listed.get_by_role("heading", level=1)).to_have_text("pumps.md")


async def test_a_document_opens_at_the_passage_that_is_cited(visitors: Visitors, server: Server, org: Org):
    document = await attached(server, org, TEXT.encode(), "pumps.md")
    async with working(server, means(server)):
        await ended(org, document)
    chunks = (await org.owner.api.get(f"/documents/{document}/chunks", params={"limit": 200})).json()["items"]
    cited = [one for one in chunks[60:-10] if "The lever" in one["content"]][-1]
    for options in ({}, PHONE):
        place = f"/documents/{document}?chunk={cited['id']}#chunk-{cited['id']}"
        page = await visitors.visit(place, org.owner, **options)
        passage = page.locator("[data-cited]")
        await expect(passage).to_be_in_viewport()
        await expect(passage).to_contain_text(re.findall(r"lever \d+", cited["content"])[0])
        await expect(page.locator(".passage")).not_to_have_count(len(chunks))
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.get_by_role("link", name="Earlier in it").click()
    await expect(page.locator(".document")).to_be_visible()
    await page.goto(f"/documents/{document}")
    await expect(page.locator(".document")).to_contain_text("<script>alert(1)</script>")
    await page.goto(f"/documents/{document}?chunk={document}")
    await expect(page.get_by_role("alert")).to_contain_text("not there any more")
    await page.get_by_role("link", name="#general").click()
    await expect(page.locator(".message .file")).to_have_count(1)


async def test_what_failed_says_why_and_is_tried_again(visitors: Visitors, server: Server, org: Org):
    document = await attached(server, org, b"PK\x03\x04" + b"\0" * 40, "broken.docx")
    async with working(server, means(server)):
        failed = await ended(org, document)
        page = await visitors.visit(f"/documents/{document}", org.owner)
        await expect(page.get_by_role("alert")).to_contain_text(failed["failure"])
        await page.get_by_role("button", name="Try again").click()
        await expect(page.locator(".toast")).to_contain_text("It is read again.")
        assert (await ended(org, document))["status"] == "failed"


async def test_how_long_files_are_kept_is_settled_by_admins(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("422",)
    page = await visitors.visit("/settings/groups", org.owner)
    days = page.get_by_label("Kept for days")
    await expect(days).to_have_value("30")
    await days.fill("0")
    form = page.locator("form[action='/settings/groups/files']")
    await form.get_by_role("button").click()
    await expect(form.locator(".error")).to_be_visible()
    await days.fill("")
    await form.get_by_role("button").click()
    await expect(page.locator(".toast")).to_contain_text("Saved")
    assert (await org.owner.api.get("/file-policy")).json() == {"keep_days": None}
    member = await visitors.visit("/settings/groups", await org.add())
    await expect(member.get_by_label("Kept for days")).to_have_count(0)
    await expect(member.locator("main")).to_contain_text("They are kept as long as the conversation.")
