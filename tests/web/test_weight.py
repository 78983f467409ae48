"""The first load of a conversation: light on the line, and to be read without any script."""

from typing import Any

from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors, connected
from tests.web.filling import fill

MOST_BYTES = 150_000
SCREEN = 50
"""Messages of the first screen; there are more above."""


async def test_the_first_load_is_light(visitors: Visitors, server: Server, org: Org):
    where = await server.channel(org.owner)
    await fill(server, org, where, 2 * SCREEN)
    page = await (await visitors.context(org.owner)).new_page()
    line = await page.context.new_cdp_session(page)
    came: dict[str, str] = {}
    sizes: dict[str, int] = {}

    def finished(event: dict[str, Any]) -> None:
        sizes[came.get(event["requestId"], "?")] = int(event["encodedDataLength"])

    line.on("Network.responseReceived", lambda event: came.update({event["requestId"]: event["response"]["url"]}))
    line.on("Network.loadingFinished", finished)
    await line.send("Network.enable")
    await line.send("Network.clearBrowserCache")
    await page.goto(f"/c/{where}", wait_until="networkidle")
    await connected(page)
    await expect(page.locator(".stream .message").last).to_contain_text(f"message {2 * SCREEN}")
    assert any("/static/" in url for url in sizes)
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert sum(sizes.values()) < MOST_BYTES, heaviest


async def test_a_conversation_is_read_without_scripts(visitors: Visitors, server: Server, org: Org):
    where = await server.channel(org.owner)
    await fill(server, org, where, 3 * SCREEN)
    path = f"/conversations/{where}/messages"
    root = (await org.owner.api.post(path, json={"content": "a **root**"})).raise_for_status().json()["id"]
    for text in ("an answer", "another"):
        (await org.owner.api.post(path, json={"content": text, "parent_id": root})).raise_for_status()
    page = await visitors.visit(f"/c/{where}", org.owner, java_script_enabled=False)
    stream = page.locator(".stream")
    await expect(stream.locator(".message", has_text="a root").locator("strong")).to_have_text("root")
    await stream.locator(".message", has_text="a root").locator(".thread-link").click()
    await expect(page.locator(".thread .message")).to_have_count(3)
    await page.goto(f"/c/{where}")
    await page.get_by_role("link", name="Older messages").click()
    await expect(page.locator(".stream .message").first).to_be_visible()
    await page.locator("#sidebar").get_by_role("link", name="general").click()
    await expect(page.get_by_role("heading", name="general", level=1)).to_be_visible()
