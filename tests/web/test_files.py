"""Files on the page of a conversation: chosen, pasted, dropped, refused, taken away, sent, seen by others."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import FilePayload, Page, Route, expect

from tests.files.making import image
from tests.identity.hall import Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.browser import Visitors

HAND_OVER = """(place, [type, name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  const event = type === "paste" ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
  place.dispatchEvent(event);
}"""

PASTE_WORDS = """(field, words) => {
  const data = new DataTransfer();
  data.setData("text/plain", words);
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  return field.dispatchEvent(event);
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


@pytest.mark.rule("B8")
async def test_what_was_attached_is_there_after_a_reload_and_on_another_device(
    visitors: Visitors, server: Server, org: Org
):
    general = await server.general(org)
    page = await visitors.visit(f"/c/{general}", org.owner)
    await page.locator("input[type=file]").first.set_input_files([
        chosen("plan.png", image(size=(300, 200))), chosen("notes.txt", b"notes"),
    ])  # fmt: skip
    await until(lambda: _hanging(org, general, 2))
    await page.reload()
    rows = page.locator(".upload[data-state=there]")
    for name in ("plan.png", "notes.txt"):
        await expect(rows.filter(has_text=name)).to_have_count(1)
    await expect(rows.locator("img")).to_have_count(1)
    other = await visitors.visit(f"/c/{general}", org.owner)
    await other.get_by_role("button", name="Remove notes.txt").click()
    await until(lambda: _hanging(org, general, 1))
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(rows.locator(".name")).to_have_text(["plan.png"])
    await expect(other.locator(".upload")).to_have_count(1)
    await page.locator(".send").first.click()  # a message of files alone
    await expect(page.locator(".message:not([data-seq='0']) .file")).to_have_count(1)
    await expect(page.locator(".upload")).to_have_count(0)
    await expect(other.locator(".message .file")).to_have_count(1)
    await expect(other.locator(".upload")).to_have_count(0)  # in sight all the while
    await other.reload()
    await expect(other.locator(".message .file")).to_have_count(1)
    await expect(other.locator(".upload")).to_have_count(0)


async def test_what_is_pasted_and_too_long_for_a_message_is_attached(visitors: Visitors, server: Server, org: Org):
    general = await server.general(org)
    page = await visitors.visit(f"/c/{general}", org.owner)
    field, rows = page.locator(".stream crew-composer textarea"), page.locator(".upload")
    await field.fill("the log: ")
    assert await field.evaluate(PASTE_WORDS, "x" * (40_000 - len("the log: "))), "left to the browser"
    await expect(rows).to_have_count(0)
    assert not await field.evaluate(PASTE_WORDS, "é" * 40_000)
    await expect(page.locator(".toast")).to_contain_text("attached as a file")
    await expect(rows.locator(".name")).to_have_text("pasted.txt")
    await expect(field).to_have_value("the log: ")
    await field.press("Enter")
    await expect(page.locator(".message:not([data-seq='0']) .file")).to_contain_text("pasted.txt")
    (message,) = (await org.owner.api.get(f"/conversations/{general}/messages")).json()["items"][-1:]
    (file,) = message["metadata"]["files"]
    assert (await org.owner.api.get(f"/files/{file['id']}/content")).text == "é" * 40_000


@pytest.mark.rule("B8")
async def test_what_is_on_its_way_with_a_message_is_offered_to_no_other(visitors: Visitors, server: Server, org: Org):
    visitors.tolerated = ("ERR_FAILED",)
    general = await server.general(org)
    page = await visitors.visit(f"/c/{general}", org.owner)
    going: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/api/v1/conversations/*/messages", going.put)
    await page.locator("input[type=file]").first.set_input_files([chosen("notes.txt", b"notes")])
    await until(lambda: _hanging(org, general, 1))
    await page.locator(".send").first.click()
    lost = await going.get()
    async with page.expect_response("**/draft"):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(page.locator(".upload")).to_have_count(0)
    await lost.abort()
    await page.reload()  # it is sent once more, and hangs on the draft until it has come
    kept = await going.get()
    await expect(page.locator(".stream crew-composer textarea")).to_be_focused()
    await expect(page.locator(".upload")).to_have_count(0)
    await kept.continue_()
    await expect(page.locator(".message[data-status=sent] .file")).to_have_count(1)
    await expect(page.locator(".upload")).to_have_count(0)


async def _hanging(org: Org, conversation: str, count: int) -> bool | None:
    found = (await org.owner.api.get(f"/conversations/{conversation}/draft")).json()["files"]
    return len(found) == count or None


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
    await page.locator("#main").get_by_role("link", name="Files").click()
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
