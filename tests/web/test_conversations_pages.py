"""Opening, changing and leaving conversations on pages; the organization's people and settings."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from crewhall.conversations import pages_candidates
from tests.identity.hall import PASSWORD, Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message, write

CONVERSATION = re.compile(r"/c/[0-9a-f-]{36}$")


async def test_a_channel_is_opened_described_joined_and_left(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("409", "422")
    page = await visitors.visit("/c/new", org.owner)
    await page.get_by_label("Name").fill("general")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator("#error-name")).to_contain_text("exists")
    await page.get_by_label("Name").fill("planning")
    await page.get_by_label("What is it for?").fill("Plans.")
    await page.get_by_role("button", name="Create").click()
    await expect(page).to_have_url(CONVERSATION)
    await expect(page.get_by_text("This is where #planning begins")).to_be_visible()
    url = page.url

    member = await org.add()
    other = await visitors.visit("/c", member)
    await other.get_by_role("listitem").filter(has_text="planning").get_by_role("button", name="Join").click()
    await expect(other).to_have_url(url)
    await expect(other.locator("crew-sidebar").get_by_role("link", name="planning")).to_be_visible()
    await other.get_by_role("link", name="Members and details").click()
    await other.get_by_role("button", name="Leave").click()
    await expect(other.locator("crew-sidebar").get_by_role("link", name="planning")).to_have_count(0)

    await page.get_by_role("link", name="Members and details").click()
    await page.get_by_label("What is it for?").fill("Plans and dates.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".about")).to_contain_text("Plans and dates.")
    await page.get_by_role("link", name="Members and details").click()
    await page.get_by_role("button", name="Archive").click()
    await expect(page.locator(".closed")).to_contain_text("archived")
    await page.get_by_role("link", name="Members and details").click()
    await page.get_by_role("button", name="Restore").click()
    await expect(page.locator("crew-composer textarea")).to_be_visible()


async def test_a_direct_conversation_and_a_group(visitors: Visitors, server: Server, org: Org):
    member, hired = await org.add(), await server.hire(org, "scout", name="Scout")
    page, other = await visitors.visit("/people", org.owner), await visitors.visit("/saved", member)
    await connected(other)
    await page.get_by_role("button", name="Write to Ada Lovelace").click()
    await expect(page).to_have_url(CONVERSATION)
    await expect(page.locator("crew-sidebar nav").get_by_role("link", name="Ada Lovelace")).to_be_visible()
    theirs = other.locator(f"crew-sidebar a[href='{urlsplit(page.url).path}']")
    await expect(theirs).to_have_count(1)  # it has come, and waits for the first word
    await expect(theirs).to_be_hidden()
    await write(page, "just us")
    await expect(message(page, "just us")).to_have_attribute("data-status", "sent")
    await expect(theirs).to_be_visible()
    await expect(theirs.locator(".count")).to_have_attribute("data-count", "1")
    await theirs.click()
    await expect(message(other, "just us")).to_be_visible()

    await page.goto("/c/new?kind=group")
    await page.get_by_label("Title").fill("Launch week")
    await page.get_by_label("Scout").check()
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", name="Launch week", exact=True)).to_be_visible()
    members = (await org.owner.api.get(f"/conversations/{page.url.rsplit('/', 1)[1]}/members")).json()["items"]
    assert {item["member_id"] for item in members} == {str(org.owner.id), hired.id}


async def test_whom_to_talk_with_is_found_while_one_types_by_keyboard(visitors: Visitors, server: Server, org: Org):
    scout, ledger = [await server.hire(org, name=name) for name in ("Scout", "Ledger")]
    page = await visitors.visit("/c/new?kind=group", org.owner)
    await page.get_by_label("Title").fill("Books")
    field, choices = page.get_by_role("searchbox", name="Find a person or an agent"), page.locator(".choice.person")
    await page.get_by_role("checkbox", name="Scout").check()
    await field.fill("ledg")
    await expect(choices).to_have_count(2)  # who was chosen stays
    await field.press("Enter")
    await expect(page.get_by_role("checkbox", name="Ledger")).to_be_checked()
    await field.fill("nobody")
    await expect(page.locator("crew-candidates [role=status]")).to_have_text("0 found")
    await page.get_by_label("Title").press("Enter")
    await expect(page.get_by_role("heading", name="Books", exact=True)).to_be_visible()
    members = (await org.owner.api.get(f"/conversations/{page.url.rsplit('/', 1)[1]}/members")).json()["items"]
    assert {item["member_id"] for item in members} == {str(org.owner.id), scout.id, ledger.id}


async def test_whom_to_talk_with_is_found_without_scripts_among_more_than_are_shown(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages_candidates, "MOST_SHOWN", 2)
    agents = [await server.hire(org, name=name) for name in ("Juno", "Kilo", "Lyra", "Moro")]
    browser, _ = await server.browse(org.owner)
    browser.base_url = server.address
    browser.headers["accept"] = "text/html"
    first = (await browser.get("/c/new?kind=group")).text
    assert "There are more: type part of a name." in first
    assert f"agent:{agents[3].id}" not in first
    asked = {"kind": "group", "title": "Kept & shown", "q": "moro", "member": [f"agent:{agents[2].id}", "agent:x"]}
    found = (await browser.get("/c/new", params=asked)).text
    assert f'value="agent:{agents[2].id}" checked' in found
    assert f'value="agent:{agents[3].id}">' in found
    assert f"agent:{agents[0].id}" not in found
    assert "Kept &amp; shown" in found
    for odd in ("\0", "x" * 500, "@moro", "%"):
        assert (await browser.get("/c/new", params={"kind": "direct", "q": odd})).status_code == 200
    circle = str((await org.owner.api.post("/conversations", json={"kind": "group", "title": "C"})).json()["id"])
    about = (await browser.get(f"/c/{circle}/about")).text
    assert f'action="/c/{circle}/members" method="get"' in about
    assert f"agent:{agents[3].id}" in (await browser.get(f"/c/{circle}/members", params={"q": "moro"})).text


async def test_settings_are_saved_and_refused_at_their_field(visitors: Visitors, org: Org):
    visitors.tolerated = ("401", "409", "422")
    page = await visitors.visit("/settings", org.owner)
    await page.get_by_label("Handle").fill("Not A Handle")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#error-handle")).to_be_visible()
    await page.get_by_label("Handle").fill(f"ada-{org.id.hex[:12]}")
    await page.get_by_label("Name").fill("Countess Ada")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("Countess Ada")
    await page.get_by_label("Present password").fill("wrong one here")
    await page.get_by_label("New password").fill("another password")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.locator("#error-current_password")).to_contain_text("wrong")
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_label("New password").fill("short")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.locator("#error-new_password")).to_contain_text("at least 10")
    await page.get_by_label("Present password").fill(PASSWORD)
    await page.get_by_label("New password").fill("another password")
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_text("The password is changed.")).to_be_visible()
    await page.get_by_role("button", name="Sign out everywhere").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_the_organization_is_named_and_deleted(visitors: Visitors, org: Org):
    visitors.tolerated = ("409",)
    page = await visitors.visit("/settings/organization", org.owner)
    await page.get_by_label("Name", exact=True).fill("Lighthouse Labs")
    await page.get_by_label("Search language").select_option("german")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".switcher")).to_contain_text("Lighthouse Labs")
    await expect(page.get_by_label("Search language")).to_have_value("german")
    await page.goto("/audit")
    changed = page.get_by_role("listitem").filter(has_text="organization.updated").first
    await expect(changed).to_contain_text("Ada Lovelace changed the organization: name and search language")
    await changed.locator("summary").click()
    await changed.get_by_role("link", name="organization.updated").click()
    await expect(page.get_by_text("Only organization.updated")).to_be_visible()
    await expect(page.get_by_role("list", name="Audit log").get_by_text("created #general")).to_have_count(0)
    await page.goto("/settings/organization")
    await page.get_by_label("to confirm").fill("something else")
    await page.get_by_role("button", name="Delete Lighthouse Labs").click()
    await expect(page.locator("#error-confirm")).to_be_visible()
    await page.get_by_label("to confirm").fill(org.slug)
    await page.get_by_role("button", name="Delete Lighthouse Labs").click()
    await expect(page.get_by_role("heading", name="No organization yet")).to_be_visible()


async def test_a_role_is_given_and_a_person_removed(visitors: Visitors, org: Org):
    visitors.tolerated = ("409",)
    member = await org.add()
    page = await visitors.visit("/people", org.owner)
    await page.get_by_role("button", name="Invite").first.click()
    await page.locator("#invite").get_by_label("Email").fill(member.email)
    await page.locator("#invite button:not([type=button])").click()
    refused = page.locator("#invite:modal")  # a dialog as before, with the page behind it at rest
    await expect(refused).to_contain_text("Ada Lovelace is a member here already.")
    await page.keyboard.press("Escape")
    await expect(refused).to_have_count(0)
    row = page.get_by_role("listitem").filter(has_text=member.email)
    await row.get_by_role("button", name="Change Ada Lovelace").click()
    await row.get_by_role("button", name="Make an admin").click()
    await expect(row.locator(".badge")).to_have_text("admin")
    await row.get_by_role("button", name="Change Ada Lovelace").click()
    await row.get_by_role("button", name="Remove for good").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)


async def test_a_channel_is_made_private_and_deleted(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("422",)
    where = await server.channel(org.owner, name="passing")
    page = await visitors.visit(f"/c/{where}/about", org.owner)
    await page.get_by_label("Who finds it").select_option("private")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    assert (await org.owner.api.get(f"/conversations/{where}")).json()["type"] == "private"
    await page.goto(f"/c/{where}/about")
    await page.get_by_label("Type passing to confirm").fill("something else")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.locator("#error-confirm")).to_contain_text("Type it as it stands above")
    await page.get_by_label("Type passing to confirm").fill("passing")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("It is deleted.")).to_be_visible()
    assert (await org.owner.api.get(f"/conversations/{where}")).status_code == 404


async def test_who_may_not_change_a_channel_sees_no_way_to(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("403",)
    where = await server.channel(org.owner, name="kept")
    member = await org.add()
    page = await visitors.visit(f"/c/{where}/about", member)
    await expect(page.get_by_role("heading", name="About #kept")).to_be_visible()
    for name in ("Save", "Delete", "Archive"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    browser, _ = await server.browse(member)
    refused = await browser.post(
        f"{server.address}/c/{where}/delete", data={"confirm": "kept"}, headers={"origin": server.address}
    )
    assert refused.status_code == 403
    assert (await org.owner.api.get(f"/conversations/{where}")).status_code == 200


async def test_an_invitation_that_no_mail_carries_says_so(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner)
    await page.get_by_role("button", name="Invite", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Email").fill(f"new-{org.id.hex}@example.org")
    await dialog.get_by_role("button", name="Invite").click()
    await expect(page.get_by_text("hand this link to")).to_be_visible()
    await expect(page.get_by_text("A mail is on its way")).to_have_count(0)
