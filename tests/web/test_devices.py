"""Browsers that are told at once: what the page asks of them, and what their worker does with what comes."""

from typing import Any

from playwright.async_api import Page, expect

from crewhall.faces.plumbing.assets import ROOT
from tests.identity.hall import Org
from tests.notifications.test_web_push import Browser
from tests.support.server import Server
from tests.web.browser import Visitors

# A browser that lets itself be told: headless ones refuse, and have no push service. Subscriptions stay as anywhere.
PUSH = """
window.Notification = class { static permission = "default"; static requestPermission = async () => "granted" };
const kept = () => JSON.parse(localStorage.getItem("stub"));
const shown = () => kept() && {
  toJSON: () => kept(),
  unsubscribe: async () => (localStorage.setItem("stub", "null"), true),
};
PushManager.prototype.getSubscription = async () => shown();
PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
  if (!userVisibleOnly) throw new TypeError("each is shown");
  if (kept() && kept().made_with !== applicationServerKey) throw new DOMException("another key", "InvalidStateError");
  localStorage.setItem("stub", JSON.stringify({ ...%s, expirationTime: null, made_with: applicationServerKey }));
  return shown();
};
"""


def stub_of(browser: Browser) -> str:
    keys = browser.subscription()
    return PUSH % str(keys).replace("'", '"')


async def opened(visitors: Visitors, member: Any, browser: Browser) -> Page:
    context = await visitors.context(member, once=True)
    await context.add_init_script(stub_of(browser))
    page = await context.new_page()
    await page.goto("/settings/notifications")
    return page


async def test_a_browser_is_told_and_told_no_more(visitors: Visitors, server: Server, org: Org, other_org: Org):
    page = await opened(visitors, org.owner, Browser())
    section = page.locator("#devices")
    state, tell = section.get_by_role("status"), section.get_by_role("button", name="Tell this browser")
    await expect(state).to_have_text("This browser is not told.")
    await tell.click()
    await expect(state).to_have_text("This browser is told at once.")
    await expect(section.locator(".title")).to_have_count(1)
    (device,) = (await org.owner.api.get("/notifications/devices")).json()["items"]
    assert device["host"] == "push.example.net"
    await page.wait_for_function("navigator.serviceWorker.controller?.scriptURL.endsWith('/service-worker.js')")
    await page.reload()
    await expect(state).to_have_text("This browser is told at once.")
    await section.get_by_role("button", name="Stop telling this browser").click()
    await expect(state).to_have_text("This browser is not told.")
    assert (await org.owner.api.get("/notifications/devices")).json()["items"] == []
    assert await page.evaluate("localStorage.stub") == "null"
    await tell.click()
    await expect(state).to_have_text("This browser is told at once.")
    await section.get_by_role("button", name="Remove").click()
    await expect(state).to_have_text("This browser is not told.")
    await tell.click()
    await expect(state).to_have_text("This browser is told at once.")
    # Who signs in here next is not told what was meant for who sat here before.
    _, session = await server.browse(other_org.owner)
    await page.context.add_cookies([{"name": "crewhall_session", "value": session, "url": server.address}])
    await page.goto("/settings/notifications")
    await expect(state).to_have_text("This browser is not told.")
    await page.wait_for_function("localStorage.stub === 'null'")


async def test_a_browser_that_the_server_does_not_take_is_not_said_to_be_told(visitors: Visitors, org: Org):
    browser = Browser()
    browser.endpoint = "https://10.0.0.7/inside"
    visitors.tolerated = ("status of 4",)
    page = await opened(visitors, org.owner, browser)
    await page.get_by_role("button", name="Tell this browser").click()
    await expect(page.locator(".toasts")).to_contain_text("10.0.0.7")
    await expect(page.locator("#devices").get_by_role("status")).to_have_text("This browser is not told.")
    assert await page.evaluate("localStorage.stub") == "null"


# The worker, run with a `self` that notes what is done with it.
WORKER = """async ({ told, windows, click }) => {
  const done = [], handlers = {};
  const found = windows.map(({ leads, ...state }, place) => ({
    ...state,
    navigate: async (path) => { if (!leads) throw new TypeError("not mine"); done.push(["navigate", place, path]) },
    focus: async () => done.push(["focus", place]),
  }));
  const self = {
    addEventListener: (type, handler) => (handlers[type] = handler),
    skipWaiting: () => done.push(["skipWaiting"]),
    registration: { showNotification: async (title, options) => done.push(["show", title, options]) },
    clients: {
      claim: async () => done.push(["claim"]),
      matchAll: async ({ type, includeUncontrolled }) => type === "window" && includeUncontrolled ? found : [],
      openWindow: async (path) => done.push(["open", path]),
    },
  };
  {%s}
  const waits = [];
  const raise = (type, fields) => handlers[type]({ waitUntil: (work) => waits.push(work), ...fields });
  if (click) raise("notificationclick", { notification: { data: { path: click }, close: () => done.push(["close"]) } });
  else if (told === undefined) ["install", "activate"].forEach((type) => raise(type, {}));
  else raise("push", { data: told && { json: () => told } });
  await Promise.all(waits);
  return done;
}"""
TOLD = {"title": "Ada mentioned you", "body": "ship it", "tag": "one", "path": "/notifications/one"}
AWAY = {"focused": False, "visibilityState": "hidden", "leads": True}
SEEN = {"focused": True, "visibilityState": "visible", "leads": True}
SHOWN = [["show", "Ada mentioned you", {"body": "ship it", "tag": "one", "data": {"path": "/notifications/one"}}]]


async def test_the_worker_shows_what_comes_and_leads_there(visitors: Visitors):
    page = await visitors.visit("/health/live")
    source = WORKER % (ROOT / "service-worker.js").read_text()
    beside = {**SEEN, "focused": False}
    for given, done in (
        ({"told": TOLD, "windows": []}, SHOWN),
        ({"told": TOLD, "windows": [AWAY, beside]}, SHOWN),
        ({"told": TOLD, "windows": [AWAY, SEEN]}, []),
        ({"told": None, "windows": []}, []),
        ({"windows": []}, [["skipWaiting"], ["claim"]]),
        ({"click": "/n", "windows": []}, [["close"], ["open", "/n"]]),
        ({"click": "/n", "windows": [AWAY, beside]}, [["close"], ["navigate", 1, "/n"], ["focus", 1]]),
        ({"click": "/n", "windows": [AWAY]}, [["close"], ["navigate", 0, "/n"], ["focus", 0]]),
        ({"click": "/n", "windows": [{**AWAY, "leads": False}]}, [["close"], ["open", "/n"]]),
    ):
        assert await page.evaluate(source, given) == done, given
