"""Coming in: the first set-up, signing in, invitations, forgotten passwords."""

import re
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, expect

from tests.identity.hall import PASSWORD, Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.web.browser import Visitors
from tests.web.judging import check

CONVERSATION = re.compile(r"/c/[0-9a-f-]{36}$")


async def test_the_first_person_opens_the_hall(browser: Browser, cluster: SharedCluster, worker_id: str):
    name = f"first_run_{worker_id}"
    async with Server(cluster.clone(name)) as fresh:
        visitors = Visitors(browser, fresh)
        assert fresh.setup_link
        page = await visitors.visit("/", timezone_id="Europe/Berlin")
        await expect(page.get_by_role("heading", name="Almost there")).to_be_visible()
        await page.goto(fresh.setup_link)
        await page.get_by_label("Organization").fill("Lighthouse Labs")
        await page.get_by_label("Your name").fill("Ada Lovelace")
        await page.get_by_label("Email").fill("ada@example.org")
        await page.get_by_label("Password").fill("short")
        visitors.tolerated = ("422",)
        await page.get_by_role("button", name="Open the hall").click()
        await expect(page.locator("#error-password")).to_contain_text("at least 10 characters")
        await expect(page.get_by_label("Organization")).to_have_value("Lighthouse Labs")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Open the hall").click()
        await expect(page).to_have_url(CONVERSATION)
        await expect(page.get_by_role("heading", name="general", exact=True)).to_be_visible()
        await expect(page.locator(".switcher")).to_contain_text("Lighthouse Labs")
        await page.goto("/settings/organization")
        await expect(page.get_by_label("Timezone of new people")).to_have_value("Europe/Berlin")
        visitors.tolerated = ("422", "410")
        await page.goto(fresh.setup_link)
        await expect(page.get_by_text("Sign in instead")).to_be_visible()
        await visitors.close()
        assert visitors.complaints == []
    cluster.drop(name)


async def test_signing_in_leads_to_where_one_wanted_to_be(visitors: Visitors, org: Org):
    visitors.tolerated = ("401",)
    page = await visitors.visit("/people")
    await expect(page).to_have_url(re.compile(r"/login\?next=%2Fpeople$"))
    await page.get_by_label("Email").fill(org.owner.email)
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("The email or the password is wrong.")
    await expect(page.get_by_label("Email")).to_have_value(org.owner.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url("/login")
    for form, back in (("/settings/tokens", "/settings"), ("/budgets", "/budgets"), ("/agents/new", "/agents/new")):
        late = await page.request.post(form, form={"name": "late"}, headers={"accept": "text/html"}, max_redirects=0)
        assert late.headers["location"] == f"/login?next={quote(back, safe='')}"
    await page.goto("/people")
    await expect(page).to_have_url(re.compile("/login"))


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example/", "https://evil.example/", "/%5Cevil.example", "/%09/evil.example"]
)
async def test_sign_in_goes_to_no_other_site(visitors: Visitors, org: Org, elsewhere: str):
    page = await visitors.visit(f"/login?next={elsewhere}")
    await page.get_by_label("Email").fill(org.owner.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(CONVERSATION)


async def test_an_invitation_is_made_shown_once_and_accepted(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner)
    await page.get_by_role("button", name="Invite", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Invite", exact=True).click()
    link = await page.get_by_label("Invitation link").input_value()
    await page.goto("/people")
    await expect(page.get_by_label("Invitation link")).to_have_count(0)
    await expect(page.get_by_text("Anybody with the link")).to_be_visible()

    guest = await visitors.visit(link)
    await expect(guest.get_by_role("heading", name="Join Acme")).to_be_visible()
    await guest.get_by_label("Your name").fill("Grace Hopper")
    await guest.get_by_label("Email").fill(f"grace-{org.id.hex}@example.org")
    await guest.get_by_label("Password").fill(PASSWORD)
    await guest.get_by_role("button", name="Make an account and join").click()
    await expect(guest).to_have_url(CONVERSATION)
    await page.reload()
    await expect(page.get_by_text("Grace Hopper", exact=True)).to_be_visible()

    visitors.tolerated = ("410", "404")
    used = await visitors.visit(link)
    await expect(used.get_by_text("Ask for a new one")).to_be_visible()


async def test_a_member_with_an_account_joins_with_it(visitors: Visitors, org: Org, other_org: Org):
    sent = (await other_org.owner.api.post("/invitations", json={})).raise_for_status().json()
    page = await visitors.visit(sent["link"], org.owner)
    await page.get_by_role("button", name="Join as Ada Lovelace").click()
    await expect(page.locator(".switcher")).to_contain_text("Other")
    await page.locator(".switcher").click()
    await page.locator("#organizations").get_by_role("button", name="Acme").click()
    await expect(page.locator(".switcher")).to_contain_text("Acme")


async def test_a_forgotten_password_is_replaced_by_a_mailed_link(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit("/reset")
    await page.get_by_label("Email").fill(org.owner.email)
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.get_by_text("a link is on its way")).to_be_visible()
    await server.services.part(type(server.errands)).close()
    mailer = server.services.mailer
    mail = next(sent.mail for sent in mailer.sent if sent.mail.to == org.owner.email)  # type: ignore[attr-defined]
    link = re.search(r"http\S+", mail.body)
    assert link
    await page.goto(link[0])
    await check(page, "a new password")
    await page.get_by_label("New password").fill("a fresh password")
    await page.get_by_role("button", name="Set the password").click()
    await page.get_by_label("Email").fill(org.owner.email)
    await page.get_by_label("Password").fill("a fresh password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(CONVERSATION)
    visitors.tolerated = ("410",)
    await page.goto(link[0])
    await expect(page.get_by_text("This link was used or is too old.")).to_be_visible()
    await page.get_by_role("link", name="Ask for a new link").click()
    await expect(page.get_by_label("Email")).to_be_visible()


async def test_errors_are_pages_that_lead_back(visitors: Visitors, org: Org, other_org: Org, server: Server):
    visitors.tolerated = ("404",)
    foreign = await server.channel(other_org.owner, type="private")
    page = await visitors.visit(f"/c/{foreign}", org.owner)
    await expect(page.get_by_text("There is no such conversation, or it is not shared with you.")).to_be_visible()
    await page.get_by_role("link", name="Back to the hall").click()
    await expect(page).to_have_url(CONVERSATION)
