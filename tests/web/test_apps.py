"""A person lets an app in, in a browser, from signing in to the way back; and shuts it out. Tool servers look well."""

from playwright.async_api import Route, expect

from tests.apps.asking import BACK, answer_in, registered
from tests.identity.hall import PASSWORD, Org
from tests.support.server import Server
from tests.tenancy.turns import offered_tool
from tests.web.browser import Visitors
from tests.web.judging import check


async def test_a_guest_signs_in_lets_an_app_in_and_is_sent_back(visitors: Visitors, server: Server, org: Org):
    app = await registered(server, server.client(), client_name="My editor")
    came: list[str] = []

    async def catch(route: Route) -> None:
        came.append(route.request.url)
        await route.fulfill(body="got it")

    page = await visitors.visit("/login")
    await page.route(f"{BACK}*", catch)
    await page.goto(app.asks())
    await page.get_by_label("Email").fill(org.owner.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Let My editor in?")).to_be_visible()
    await check(page, "an app asks")
    await page.get_by_role("checkbox", name="Write").uncheck()
    await page.get_by_role("button", name="Let it in").click()
    await page.wait_for_url(f"{BACK}*")
    answer = answer_in(came[0])
    assert (answer["state"], answer["iss"]) == ("s&1", server.address)
    given = (await app.redeem(answer["code"])).json()
    assert given["scope"] == "read"

    added = await org.owner.api.post("/tool-servers", json={"name": "tracker", "url": "http://127.0.0.1:1/mcp"})
    await offered_tool(server, org, added.json()["id"])
    await page.goto(f"{server.address}/settings/tool-servers")
    await expect(page.get_by_role("button", name="Hold list_issues back")).to_be_visible()
    await check(page, "tool servers")

    await page.goto(f"{server.address}/settings")
    await page.get_by_role("button", name="Shut My editor out").click()
    await page.get_by_role("dialog").get_by_role("button", name="Shut out").click()
    await expect(page.get_by_text("The app is shut out.")).to_be_visible()
    assert (await app.status(given["access_token"])).status_code == 401
