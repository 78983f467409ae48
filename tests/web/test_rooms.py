"""Pages of groups that rest, and of sessions that are shared."""

import pytest
from playwright.async_api import expect

from tests.conversations.test_idle import let_pass, look
from tests.conversations.ways import as_member, direct, group, post
from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import Visitors


@pytest.mark.rule("B6", "C3")
async def test_a_session_is_shared_and_a_group_restored_without_asking_anybody(
    visitors: Visitors, server: Server, org: Org
):
    bob, agent = await org.add(), await server.hire(org, name="Scout")
    session, circle = await direct(org.owner, agent), await group(org.owner, bob, title="Offsite")
    await post(org.owner, session, "What does the contract say?")
    await let_pass(server, org, circle, days=9)
    await look(server)
    handle = (await bob.api.get("/me")).json()["user"]["handle"]
    page = await visitors.visit(f"/c/{session}/members?q={handle}", org.owner)
    await page.get_by_role("button", name="Share it with").click()
    await expect(page.get_by_role("list", name="Members")).to_contain_text("reads along")
    await page.goto(f"/c/{session}")
    await expect(page.get_by_role("link", name="Shared with 1 person")).to_be_visible()
    reader = await visitors.visit(f"/c/{session}", bob)
    await expect(reader.locator(".composer .closed")).to_contain_text("shared with you to read along")
    await expect(reader.locator(".message")).to_contain_text("What does the contract say?")
    await reader.locator(".message").hover()
    await reader.get_by_role("button", name="More actions").click()
    await expect(reader.get_by_role("menuitem", name="Copy text")).to_be_visible()
    await expect(reader.get_by_role("menuitem", name="Delete")).to_have_count(0)
    await reader.keyboard.press("Escape")
    await reader.goto("/c/archived")
    await reader.get_by_role("link", name="Offsite").click()
    await expect(reader.locator(".composer .closed")).to_contain_text("It archived itself on")
    await reader.get_by_role("button", name="Restore").click()
    await expect(reader.get_by_role("combobox", name="Write in Offsite")).to_be_visible()


async def test_pages_offer_what_one_may(server: Server, org: Org):
    member, other, agent = await org.add(), await org.add(), await server.hire(org)
    circle, session = await group(org.owner, member), await direct(org.owner, agent)
    (await org.owner.api.post(f"/conversations/{session}/members", json=as_member(member))).raise_for_status()
    for someone, may in ((org.owner, True), (member, False)):
        browser, _ = await server.browse(someone)
        browser.base_url = server.address
        browser.headers.update({"origin": server.address, "accept": "text/html"})
        assert ('action="/settings/groups"' in (await browser.get("/settings/groups")).text) is may
        about = (await browser.get(f"/c/{circle}/about")).text
        assert "If nobody writes" in about
        assert (f"/c/{circle}/resting" in about) is may
        assert (f"/c/{circle}/members/owner" in about) is may
        handed = await browser.post(f"/c/{circle}/members/owner", data={"member": f"user:{other.id}"})
        assert handed.status_code == (409 if may else 403), "who is no member does not own it"
        assert ("Share it with…" in (await browser.get(f"/c/{session}/about")).text) is may
        typed = {"idle_after_hours": "0" if may else "1", "archive_after_days": ""}
        answer = await browser.post("/settings/groups", data=typed)
        assert answer.status_code == (422 if may else 403)
        kept = await browser.post(f"/c/{circle}/resting", data={"stays_open": "true"})
        assert kept.status_code == (303 if may else 403)
    assert (await org.owner.api.get("/idle-policy")).json() == {"idle_after_hours": 24, "archive_after_days": 7}


@pytest.mark.rule("B6")
async def test_a_session_is_archived_restored_and_deleted_by_whose_it_is_alone(server: Server, org: Org):
    reader, agent = await org.add(), await server.hire(org)
    session = await direct(org.owner, agent)
    (await org.owner.api.post(f"/conversations/{session}/members", json=as_member(reader))).raise_for_status()
    browser, _ = await server.browse(org.owner)
    other, _ = await server.browse(reader)
    for one in (browser, other):
        one.base_url = server.address
        one.headers.update({"origin": server.address, "accept": "text/html"})
    about = f"/c/{session}/about"
    for verb in ("archive", "restore", "delete"):
        assert f'action="/c/{session}/{verb}"' in (await browser.get(about)).text
        assert f'action="/c/{session}/{verb}"' not in (await other.get(about)).text
        assert (await other.post(f"/c/{session}/{verb}")).status_code == 403
        if verb == "delete":
            unsure = await browser.post(f"/c/{session}/{verb}", data={"sure": "false"})
            assert (unsure.status_code, "Tick the box first." in unsure.text) == (422, True)
        assert (await browser.post(f"/c/{session}/{verb}", data={"sure": "true"})).status_code == 303
    assert (await browser.get(about)).status_code == 404


@pytest.mark.rule("B6")
async def test_neither_of_two_people_deletes_what_both_said(server: Server, org: Org):
    friend = await org.add("admin")
    talk = await direct(org.owner, friend)
    await post(friend, talk, "for both")
    for someone in (org.owner, friend):
        browser, _ = await server.browse(someone)
        browser.base_url = server.address
        browser.headers.update({"origin": server.address, "accept": "text/html"})
        about = (await browser.get(f"/c/{talk}/about")).text
        assert (f"/c/{talk}/archive" in about, f"/c/{talk}/delete" in about) == (True, False)
        refused = await browser.post(f"/c/{talk}/delete", data={"sure": "true"})
        assert (refused.status_code, "neither deletes for both" in refused.text) == (403, True)
        program = await someone.api.request("DELETE", f"/conversations/{talk}", json={"confirm": ""})
        assert (program.status_code, "Archive it instead" in program.json()["detail"]) == (403, True)
        assert (await someone.api.put(f"/conversations/{talk}/archive")).status_code == 200
        assert await direct(friend, org.owner) == talk, "the other is not shut out"
    assert (await friend.api.get(f"/conversations/{talk}")).json()["message_count"] == 1


async def test_members_say_who_made_it_whoever_owns_it_by_now(server: Server, org: Org):
    member, agent = await org.add(), await server.hire(org)
    channel = await server.channel(org.owner)
    for one in (member, agent):
        (await one.api.post(f"/conversations/{channel}/join")).raise_for_status()
    (await org.owner.api.put(f"/conversations/{channel}/owner", json=as_member(member))).raise_for_status()
    browser, _ = await server.browse(member)
    browser.base_url = server.address
    browser.headers["accept"] = "text/html"

    async def rows() -> list[str]:
        page = (await browser.get(f"/c/{channel}/members")).text.partition('aria-label="Members"')[2]
        return page.partition("</ul>")[0].split('<li class="row"')[1:]

    maker, owner, hired = await rows()
    assert ("made it" in maker, "made it" in owner, ">owner<" in maker, ">owner<" in owner) == (
        True,
        False,
        False,
        True,
    )
    assert ("data-open-dialog" in maker, "data-open-dialog" in hired) == (True, True)
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "inactive"})).raise_for_status()
    assert ["data-open-dialog" in row for row in await rows()] == [True, False, False], "nobody is handed it who is off"
