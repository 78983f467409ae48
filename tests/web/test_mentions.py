"""Mention completion: agents and people, by keys and by pointer."""

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message


async def test_a_mention_is_completed_by_keys(visitors: Visitors, server: Server, org: Org):
    await server.hire(org, "scout", name="Scout")
    await server.hire(org, "ledger", name="Ledger")
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    await connected(page)
    field, options = page.locator("crew-composer textarea"), page.locator(".completion [role=option]")
    await field.press_sequentially("ask @")
    await expect(options).to_have_count(2)
    await field.press_sequentially("l")
    await expect(options.first).to_contain_text("@ledger")
    await expect(field).to_have_attribute("aria-expanded", "true")
    await field.press("Escape")
    await expect(options.first).to_be_hidden()
    await field.press_sequentially("e")
    await expect(options).to_have_count(1)
    await expect(options.locator(".presence")).to_have_attribute("data-presence", "offline")
    await field.press("Tab")
    await expect(field).to_have_value("ask @ledger ")
    await field.press_sequentially("please")
    await field.press("Enter")
    await expect(message(page, "please").locator(".mention")).to_have_text("@ledger")


async def test_a_mention_is_chosen_by_pointer_and_highlighted_for_who_is_meant(
    visitors: Visitors, server: Server, org: Org
):
    member = await org.add()
    handle = (await member.api.get("/me")).json()["user"]["handle"]
    path = f"/c/{await server.general(org)}"
    ada, bob = await visitors.visit(path, org.owner), await visitors.visit(path, member)
    await connected(bob)
    field = ada.locator("crew-composer textarea")
    await field.press_sequentially(f"(@{handle[:12]}")
    option = ada.locator(".completion [role=option]").filter(has_text=handle)
    await expect(option.locator(".presence")).to_have_attribute("data-presence", "online")
    await option.click()
    await expect(field).to_have_value(f"(@{handle} ")
    await field.press_sequentially("look)")
    await field.press("Enter")
    await expect(message(bob, "look")).to_have_attribute("data-mine-mentioned", "")
    await expect(message(ada, "look")).not_to_have_attribute("data-mine-mentioned", "")
