"""Files on the page of a conversation: chosen, pasted, dropped, refused, taken away, sent, seen by others."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import FilePayload, Page, Route, expect

from tests.files.making import image
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors

HAND_OVER = """(place, [type, name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const event = type === "paste" ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
  place.dispatchEvent(event);
}"""

WATCH_PROGRESS = """(list) => {
  window.shares = [];
  const note = (changes) => window.shares.push(...changes.map(({ target }) => target.value));
  new MutationObserver(note).observe(list, { subtree: true, attributeFilter: ["value"] });
}"""


def chosen(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


async def lose_first_part(page: Page) -> list[str]:
    """The first part of an upload is lost on its way; gives what was sent of it."""
    sent: list[str] = []

    async def handle(route: Route) -> None:
        sent.append(route.request.headers["upload-offset"])
        await (route.abort() if len(sent) == 1 else route.continue_())

    await page.route(
        "**/api/v1/uploads/*", lambda route: handle(route) if route.request.method == "PATCH" else route.continue_()
    )
    return sent


@pytest.mark.rule("B8")
async def test_files_are_attached_and_seen(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("422", "ERR_FAILED")  # what the browser says of the refusal and of the part that is lost
    general, other = await server.general(org), await org.add()
    page = await visitors.visit(f"/c/{general}", org.owner)
    reader = await visitors.visit(f"/c/{general}", other)
    sent = await lose_first_part(page)
    field, rows = page.locator("crew-composer textarea").first, page.locator(".upload")
    await page.locator("input[type=file]").first.set_input_files([
        chosen("plan.png", image(size=(300, 200))), chosen("cat.png", b"no cat"),
        chosen("large.bin", b"\0" * 5_000_000),
    ])  # fmt: skip
    await field.evaluate(HAND_OVER, ["paste", "pasted.txt", "pasted"])
    await page.locator(".stream").evaluate(HAND_OVER, ["dragover", "dropped.txt", "dropped"])
    await expect(page.locator("[data-dropping]")).to_have_count(1)
    await page.locator(".stream").evaluate(HAND_OVER, ["drop", "dropped.txt", "dropped"])
    await expect(page.locator("[data-dropping]")).to_have_count(0)
    failed = page.locator(".upload[data-state=failed]")
    await expect(failed).to_contain_text("cat.png is named as image/png, and is none.")
    await page.locator(".send").first.click()  # nothing goes while one has failed, and one is told so
    await expect(page.locator(".toast")).to_contain_text("Take cat.png away first, then it is sent.")
    await expect(failed.get_by_role("button", name="Remove cat.png")).to_be_focused()
    await expect(rows).to_have_count(5)
    await failed.get_by_role("button", name="Remove cat.png").click()
    await expect(field).to_be_focused()
    await page.locator(".send").first.click()  # it goes as soon as all are there
    for one in (page, reader):
        message = one.locator(".message:not([data-seq='0'])").last
        await expect(message.locator(".file")).to_have_count(4)
        await expect(message.locator(".paper .name")).to_have_text(["large.bin", "pasted.txt", "dropped.txt"])
        picture = message.locator(".picture img")
        await expect(picture).to_have_attribute("alt", "plan.png, PNG · 638 B")
        await expect(picture).to_have_js_property("naturalWidth", 300)
    await expect(rows).to_have_count(0)
    assert sent[:2] == ["0", "0"]
    await _is_let_go_of(page, reader, general)


async def test_who_sends_too_many_files_waits_and_goes_on(visitors: Visitors, server: Server, org: Org):
    """Each is refused once for there being too many: the small one, the beginning and a part of the large one."""
    visitors.tolerated = ("429",)
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner)
    refused: set[str] = set()

    async def handle(route: Route) -> None:
        request = route.request
        once = f"{request.method} {urlsplit(request.url).path}"
        if request.method == "GET" or once in refused:
            await route.continue_()
        else:
            refused.add(once)
            problem = {"status": 429, "code": "too_many_requests", "detail": "Too many requests.", "retry_after": 0.1}
            await route.fulfill(status=429, json=problem)

    await page.locator(".uploads").first.evaluate(WATCH_PROGRESS)
    await page.route(re.compile("/api/v1/(uploads/|conversations/[^/]+/(files|uploads))"), handle)
    await page.locator("input[type=file]").first.set_input_files(
        [chosen("small.txt", b"small"), chosen("large.bin", b"\0" * 5_000_000)]
    )
    await expect(page.locator(".upload[data-state=there]")).to_have_count(2)
    assert any(0 < share < 1 for share in await page.evaluate("window.shares")), "after its first part"
    assert len(refused) == len(["the small one", "the large one's beginning", "its parts"])


async def _is_let_go_of(page: Page, reader: Page, general: str) -> None:
    """The list has them; with the message they are gone, for the reader too."""
    await page.get_by_role("link", name="Members and details").click()
    await page.get_by_role("link", name="Files").click()
    await expect(page.locator(".filed")).to_have_count(4)
    await page.get_by_role("link", name="The message with plan.png").click()
    message: Any = page.locator(".message[data-found]")
    await message.hover()
    await message.get_by_role("button", name="More actions").click()
    await page.locator("#message-menu [data-menu=delete]").click()
    await page.locator("#delete-message button[value=delete]").click()
    await expect(reader.locator(".message").last.locator(".tombstone")).to_have_count(1)
    await expect(reader.locator(".file")).to_have_count(0)
    await page.goto(f"/c/{general}/files")
    await expect(page.locator(".filed")).to_have_count(0)
