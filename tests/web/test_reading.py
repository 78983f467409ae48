"""Reading without a mouse: places, keys, what one keeps, the switcher."""

import re

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected, message

LENGTH = 70


async def test_a_day_of_reading(visitors: Visitors, server: Server, org: Org):
    where, member = await server.general(org), await org.add()
    (await member.api.post(f"/conversations/{where}/join")).raise_for_status()
    said = []
    for number in range(LENGTH):
        body = {"content": f"message {number}"}
        answer = await org.owner.api.post(f"/conversations/{where}/messages", json=body)
        said.append(answer.raise_for_status().json())
    reply = {"content": "a reply", "parent_id": said[0]["id"]}
    answered = (await org.owner.api.post(f"/conversations/{where}/messages", json=reply)).raise_for_status().json()
    marked = {"seq": said[4]["seq"]}
    (await member.api.post(f"/conversations/{where}/read", json=marked)).raise_for_status()

    page = await visitors.visit(f"/c/{where}", member)
    await connected(page)
    await page.get_by_role("link", name="unread: go to the first").click()
    await expect(page.locator(".unread-line + .message")).to_contain_text("message 5")
    await expect(page.locator(".unread-line")).to_be_in_viewport()

    await page.goto(f"/c/{where}?thread={said[0]['id']}&at={answered['seq']}")
    await expect(page.locator(".thread [data-found]")).to_contain_text("a reply")
    await connected(page)
    await page.locator(".thread [data-found]").press("q")
    back = f"?thread={said[0]['id']}&at={answered['seq']}):\n> a reply\n\n"
    await expect(page.locator(".thread textarea")).to_have_value(re.compile(re.escape(back)))
    await page.keyboard.press("Escape")
    await expect(page.locator(".thread")).to_have_count(0)
    await expect(page).not_to_have_url(re.compile("thread="))

    await page.goto(f"/c/{where}?at={said[LENGTH - 1]['seq']}")
    await connected(page)
    last = message(page, f"message {LENGTH - 1}")
    await last.focus()
    await page.keyboard.press("k")
    before = message(page, f"message {LENGTH - 2}")
    await expect(before).to_be_focused()
    assert await page.locator(".stream .message[tabindex='0']").count() == 1
    await page.keyboard.press("s")
    await expect(page.get_by_text("Saved for later.")).to_be_visible()
    assert [item["message"]["id"] for item in (await member.api.get("/saved")).json()["items"]] == [said[-2]["id"]]
    await page.keyboard.press("u")
    await expect(page.locator(".unread-line + .message")).to_contain_text(f"message {LENGTH - 2}")
    shown = (await member.api.get(f"/conversations/{where}")).json()
    assert (shown["last_read_seq"], shown["unread"]) == (said[-2]["seq"] - 1, 3)
    await page.keyboard.press("r")
    await expect(page.locator(".thread textarea")).to_be_focused()
    await expect(page).to_have_url(re.compile(f"thread={said[-2]['id']}"))
    await page.keyboard.press("Escape")


async def test_keys_lead_everywhere_and_what_is_kept_is_read_without_scripts(
    visitors: Visitors, server: Server, org: Org
):
    where, other = await server.general(org), await server.channel(org.owner, name="lighthouse")
    answer = await org.owner.api.post(f"/conversations/{where}/messages", json={"content": "keep this"})
    said = answer.raise_for_status().json()
    member = await org.add()
    for channel in (where, other):
        (await member.api.post(f"/conversations/{channel}/join")).raise_for_status()
    (await member.api.put(f"/conversations/{where}/messages/{said['id']}/saved")).raise_for_status()
    page = await visitors.visit(f"/c/{where}", member)
    await connected(page)
    await page.locator(".stream .scroller").focus()
    await page.keyboard.press("?")
    await expect(page.locator("#keys").get_by_text("Mark unread from here")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator(".stream .day button").last.click()
    await expect(page.locator("#days input")).to_have_value(said["created_at"][:10])
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("light")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/c/{other}$"))
    await page.locator(".stream textarea").press("Alt+ArrowUp")
    await expect(page).to_have_url(re.compile(f"/c/{where}$"))
    await page.locator(".stream textarea").press("Alt+ArrowDown")
    await expect(page).to_have_url(re.compile(f"/c/{other}$"))
    await page.get_by_label("Star this conversation").click()
    await expect(page.locator("#nav-starred")).to_be_visible()

    plain = await visitors.visit("/saved", member, java_script_enabled=False)
    await expect(plain.locator(".row.saved")).to_contain_text("keep this")
    await plain.get_by_text("Add a note").click()
    await plain.get_by_label("Note").fill("ask again")
    await plain.get_by_role("button", name="Keep").click()
    await expect(plain.locator(".row.saved .note")).to_have_text("ask again")
    await plain.get_by_role("button", name="Done").click()
    await expect(plain.get_by_text("Nothing saved")).to_be_visible()
