"""What is pinned, on the page about a conversation."""

from playwright.async_api import Page, expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected


async def _say(server: Server, org: Org, where: str, text: str) -> str:
    posted = await org.owner.api.post(f"/conversations/{where}/messages", json={"content": text})
    return str(posted.raise_for_status().json()["id"])


def _pins(page: Page):
    return page.get_by_role("list", name="Pinned messages").get_by_role("listitem")


async def test_pins_show_and_change_live(visitors: Visitors, server: Server, org: Org):
    where = await server.general(org)
    said = await _say(server, org, where, "We meet in **Lisbon** <b>& Porto</b>. " + "Bring a coat. " * 40)
    page = await visitors.visit(f"/c/{where}/about", org.owner)
    await expect(page.get_by_text("Nothing pinned yet")).to_be_visible()
    await connected(page)
    (await org.owner.api.put(f"/conversations/{where}/messages/{said}/pin")).raise_for_status()
    await expect(_pins(page)).to_have_count(1)
    await expect(_pins(page)).to_contain_text("We meet in Lisbon")
    assert len(await _pins(page).locator(".excerpt").inner_text()) <= 241
    (await org.owner.api.patch(f"/conversations/{where}/messages/{said}", json={"content": "Porto"})).raise_for_status()
    await expect(_pins(page)).to_contain_text("Porto")
    (await org.owner.api.delete(f"/conversations/{where}/messages/{said}")).raise_for_status()
    await expect(page.get_by_text("Nothing pinned yet")).to_be_visible()


async def test_a_pin_leads_to_its_message_and_is_taken_off(visitors: Visitors, server: Server, org: Org):
    where = await server.general(org)
    for text in ("first", "second"):
        said = await _say(server, org, where, text)
        (await org.owner.api.put(f"/conversations/{where}/messages/{said}/pin")).raise_for_status()
    member = await org.add()
    page = await visitors.visit(f"/c/{where}", member)
    await page.get_by_role("link", name="Pinned messages").click()
    await expect(_pins(page).locator(".excerpt")).to_have_text(["second", "first"])
    await _pins(page).filter(has_text="second").get_by_role("button").click()
    await expect(_pins(page).locator(".excerpt")).to_have_text(["first"])
    await expect(page.get_by_role("heading", name="Pinned", exact=True)).to_be_focused()
    assert len((await member.api.get(f"/conversations/{where}/pins")).json()["items"]) == 1
    await _pins(page).get_by_role("link").click()
    await expect(page.locator(".message[data-found]")).to_contain_text("first")


async def test_who_may_not_write_there_may_not_unpin(visitors: Visitors, server: Server, org: Org):
    where = await server.channel(org.owner)
    said = await _say(server, org, where, "stays")
    (await org.owner.api.put(f"/conversations/{where}/messages/{said}/pin")).raise_for_status()
    (await org.owner.api.put(f"/conversations/{where}/archive")).raise_for_status()
    page = await visitors.visit(f"/c/{where}/about", org.owner)
    await expect(_pins(page)).to_have_count(1)
    await expect(_pins(page).get_by_role("button")).to_have_count(0)
    browser, _ = await server.browse(org.owner)
    refused = await browser.post(
        f"{server.address}/c/{where}/messages/{said}/unpin", headers={"origin": server.address}
    )
    assert refused.status_code == 409
    assert len((await org.owner.api.get(f"/conversations/{where}/pins")).json()["items"]) == 1
