"""Every page: usable by everybody (axe finds nothing serious), at every width, in dark and light."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from axe_core_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from crewhall.kernel.clock import utc_now
from tests.files.making import image, post, sent
from tests.identity.hall import Member, Org
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.browser import PHONE, Visitors

SERIOUS = {"serious", "critical"}
WIDE_LIGHT: dict[str, Any] = {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}}
PHONE_DARK: dict[str, Any] = {"color_scheme": "dark", **PHONE}


async def _furnish(server: Server, org: Org) -> list[str]:
    """An organization in use; returns the path of each page."""
    general = await server.general(org)
    agent = await server.hire(org, "scout", name="Scout", description="Looks things up.", capabilities=["research"])
    api = org.owner.api
    first = await api.post(
        f"/conversations/{general}/messages", json={"content": "A **question** for @scout", "title": "One"}
    )
    root = first.raise_for_status().json()["id"]
    for body in (
        {"content": "`code` and [a link](https://example.org)\n\n```\nmuch code that is long " + "x" * 200 + "\n```"},
        {"content": "> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |", "kind": "insight"},
        {"content": "word" * 60},
        {"content": "answered", "parent_id": root},
    ):
        (await api.post(f"/conversations/{general}/messages", json=body)).raise_for_status()
    picture = await sent(org.owner, general, image(size=(900, 600)), "plan.png")
    await post(
        org.owner, general, picture, await sent(org.owner, general, b"a,b", "a long name of " + "x" * 80 + ".csv")
    )
    await agent.api.post(f"/conversations/{general}/messages", json={"content": "here", "kind": "answer"})
    (await api.put(f"/conversations/{general}/messages/{root}/reactions/👍")).raise_for_status()
    (await api.put(f"/conversations/{general}/messages/{root}/pin")).raise_for_status()
    kept = {"note": "look again"}
    (await api.put(f"/conversations/{general}/messages/{root}/saved", json=kept)).raise_for_status()
    (
        await api.patch(f"/conversations/{general}/messages/{root}", json={"content": "A question, edited"})
    ).raise_for_status()
    (await api.post("/budgets", json={"run_limit": 100, "agent_id": agent.id})).raise_for_status()
    fork = (await api.post(f"/agents/{agent.id}/fork", json={"name": "Ranger"})).raise_for_status().json()["id"]
    (await api.patch(f"/agents/{fork}", json={"instructions": "Look far."})).raise_for_status()
    grant = (await api.post(f"/agents/{agent.id}/grants", json={})).raise_for_status().json()["grant"]["id"]
    run = await _run(api)
    planned = {"conversation_id": general, "content": "later", "due_at": (utc_now() + timedelta(days=1)).isoformat()}
    later = (await api.post("/later", json=planned)).raise_for_status().json()["id"]
    (await api.put(f"/conversations/{general}/draft", json={"content": "begun"})).raise_for_status()
    (await api.post("/invitations", json={"email": f"x{org.id.hex}@example.org"})).raise_for_status()
    return [
        f"/c/{general}", f"/c/{general}?thread={root}", f"/c/{general}?at=1", f"/c/{general}/about",
        f"/c/{general}/files", f"/c/{general}/members?q=a", "/c", "/c/archived", "/c/direct", "/c/new",
        "/c/new?kind=group", "/c/new?kind=direct", "/people", "/agents", f"/agents/{agent.id}", "/agents?q=nothing",
        f"/agents/{agent.id}/versions", f"/agents/{fork}/differences",
        "/grants", f"/grants/{grant}",
        "/runs", "/runs?status=failed", f"/runs/{run}", f"/c/{general}/decisions",
        f"/c/{general}/decisions?message={root}", f"/c/{general}/summaries",
        "/saved", "/saved?status=done", "/keys", f"/c/{general}/pins", f"/c/{general}/messages/{root}/history",
        f"/c/{general}?at=unread", "/search", "/search?q=question+in%3A%23general", "/search?q=nowhere", "/settings",
        "/settings/notifications", "/inbox", "/inbox?show=all", "/organizations", "/organizations/new",
        "/help", "/help/agents", "/approvals", "/runtimes", f"/agents/{agent.id}/webhook", "/usage",
        "/budgets", "/prices", "/drafts", f"/later/{later}", "/settings/groups",
    ]  # fmt: skip


async def _run(api: httpx.AsyncClient) -> str:
    """The id of the turn that the question set off."""

    async def look() -> list[Any]:
        found: list[Any] = (await api.get("/runs")).raise_for_status().json()["items"]
        return found

    return str((await until(look))[-1]["id"])


ADMIN_PAGES = ["/agents/new", "/settings/organization", "/settings/looks", "/settings/channels", "/audit"]
GUEST_PAGES = ["/login", "/reset", "/password-reset?token=x"]


FIND = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.map(({ id, impact, nodes }) => ({ id, impact, html: nodes[0].html.slice(0, 200) }));
}"""


async def check(page: Page, path: str) -> None:
    """Nothing serious for assistive technology, nothing to scroll sideways."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found: list[dict[str, str]] = await page.evaluate(FIND)
    problems = [(violation["id"], violation["html"]) for violation in found if violation["impact"] in SERIOUS]
    assert problems == [], path
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{path} scrolls sideways"


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("role", "look"),
    [
        ("owner", WIDE_LIGHT),
        pytest.param("owner", PHONE_DARK, marks=pytest.mark.slow),
        ("member", WIDE_LIGHT),
        ("guest", PHONE_DARK),
    ],
    ids=["owner-wide-light", "owner-phone-dark", "member-wide-light", "guest-phone-dark"],
)
async def test_nothing_serious_on_any_page(
    visitors: Visitors, server: Server, org: Org, role: str, look: dict[str, Any]
):
    visitors.tolerated = ("403", "404", "410")
    paths = await _furnish(server, org)
    member: Member | None = {"owner": org.owner, "guest": None}.get(role) or (
        await org.add() if role == "member" else None
    )
    page = await (await visitors.context(member, **look)).new_page()
    differing = [
        paths[0],
        "/people",
        "/audit",
        *(path for path in paths if path.endswith("/about") or "agents/" in path),
    ]
    for path in {"owner": [*paths, *ADMIN_PAGES, "/nowhere"], "member": differing, "guest": GUEST_PAGES}[role]:
        await page.goto(path)
        await expect(page.locator("h1").first).to_be_visible()
        await check(page, path)


async def test_open_menus_and_dialogs_are_usable(visitors: Visitors, server: Server, org: Org):
    paths = await _furnish(server, org)
    page = await visitors.visit(paths[0], org.owner)
    target = page.locator(".message").first
    await target.hover()
    await target.get_by_role("button", name="More actions").click()
    await check(page, "message menu")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Copy text")).to_be_focused()
    await page.keyboard.press("Escape")
    await target.get_by_role("button", name="Add a reaction").click()
    await check(page, "emoji")
    await page.keyboard.press("Escape")
    await page.locator(".switcher").click()
    await check(page, "switcher")
    await page.goto("/people")
    await page.get_by_role("button", name="Invite", exact=True).click()
    await check(page, "invite")


async def test_the_sidebar_is_a_drawer_on_a_phone(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit(f"/c/{await server.general(org)}", org.owner, **PHONE)
    sidebar = page.locator("#sidebar")
    await expect(sidebar).to_be_hidden()
    await page.get_by_role("button", name="Open the menu").click()
    await expect(sidebar).to_be_visible()
    await check(page, "drawer")
    await page.keyboard.press("Escape")
    await expect(sidebar).to_be_hidden()
    await expect(page.get_by_role("button", name="Open the menu")).to_be_focused()
    await page.get_by_role("button", name="Open the menu").click()
    await sidebar.get_by_role("link", name="Agents").click()
    await expect(page.get_by_role("heading", name="Agents", level=1)).to_be_visible()
    await expect(sidebar).to_be_hidden()


async def test_the_theme_is_chosen_kept_and_rendered_by_the_server(visitors: Visitors, org: Org):
    page = await visitors.visit("/settings", org.owner, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(paper)
    await page.get_by_role("button", name="Dark", exact=True).click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    answer = await page.request.get("/settings")
    assert 'data-theme="dark"' in await answer.text()
    await page.reload()
    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light
    await page.get_by_role("button", name="System").click()
    await expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
