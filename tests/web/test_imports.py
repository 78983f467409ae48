"""Bringing an archive in the browser: looked through, taken in, told what was not."""

from pathlib import Path

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.imports.exports import ADA, BOB, packed, said, workspace, written
from tests.support.server import Server
from tests.web.browser import Visitors
from tests.web.judging import check


async def test_an_archive_is_brought_and_taken_in(visitors: Visitors, server: Server, org: Org, tmp_path: Path):
    messages = [said(1, ADA, "Hello"), said(2, BOB, "joined", subtype="channel_join")]
    archive = written(tmp_path, packed(workspace(org.owner.email, general=messages)))
    page = await visitors.visit("/settings/organization", org.owner)
    await page.get_by_role("link", name="Import from Slack").click()
    await check(page, "/settings/imports")
    await page.get_by_label("Export (zip").set_input_files(archive)
    await page.get_by_role("button", name="Look it through").click()
    await expect(page.get_by_role("heading", name="What would come")).to_be_visible()
    await expect(page.get_by_text("who joined, left, renamed, pinned")).to_be_visible()
    await page.set_viewport_size({"width": 375, "height": 812})
    await check(page, "an import")
    reader = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await page.get_by_role("button", name="Take it in").click()
    await expect(page.get_by_role("heading", name="What came")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="general").click()
    await expect(page.get_by_text("Hello")).to_be_visible()
    newest = reader.get_by_role("button", name="Newest")
    await expect(newest).to_be_visible()
    await expect(reader.get_by_text("Hello")).to_have_count(0)  # an open page is not filled with what is imported
    await newest.click()
    await expect(reader.get_by_text("Hello")).to_be_visible()
