"""Small things that are seen at once: margins, hints, shadows, choices that are cut off."""

import pytest
from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.server import Server
from tests.web.browser import PHONE, Visitors

WIDTHS = """() => [...document.querySelectorAll("select.input")].map((select) => {
    const style = getComputedStyle(select);
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const widest = Math.max(...[...select.options].map((option) => pen.measureText(option.text).width));
    const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return [select.name, room - widest];
})"""
ARROW_PX = 20


@pytest.mark.parametrize("options", [PHONE, {"viewport": PHONE["viewport"]}], ids=["touch", "mouse"])
async def test_cards_have_the_same_margin_on_both_sides(
    visitors: Visitors, server: Server, org: Org, options: dict[str, object]
):
    page = await visitors.visit("/settings", org.owner, **options)
    for path in ("/settings", f"/c/{await server.general(org)}/about"):
        await page.goto(path)
        left, right = await page.locator(".card").first.evaluate(
            "card => { const { left, right } = card.getBoundingClientRect(); return [left, innerWidth - right]; }"
        )
        assert left == right
        assert 12 <= left <= 24


async def test_no_choice_is_cut_off_on_a_phone(visitors: Visitors, server: Server, org: Org):
    hired = await server.hire(org, "scout", name="Scout")
    page = await visitors.visit("/people", org.owner, **PHONE)
    await page.get_by_role("button", name="Invite", exact=True).click()
    for path in ("/people", f"/agents/{hired.id}", f"/c/{await server.general(org)}/about", "/settings/organization"):
        if path != "/people":
            await page.goto(path)
        measured = await page.evaluate(WIDTHS)
        assert measured
        assert {name: room for name, room in measured if room < ARROW_PX} == {}, path


async def test_the_hint_gives_way_to_what_is_searched_for(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner)
    hint = page.locator("crew-sidebar .search-box .kbd")
    await expect(hint).to_be_visible()
    await page.get_by_label("Search messages").fill("house")
    await expect(hint).to_be_hidden()
    await page.get_by_label("Search messages").fill("")
    await expect(hint).to_be_visible()


async def test_the_skip_link_casts_no_shadow_until_it_is_there(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner)
    link = page.get_by_role("link", name="Skip to the content")
    await expect(link).not_to_be_in_viewport()
    await expect(link).to_have_css("box-shadow", "none")
    await page.keyboard.press("Tab")
    await expect(link).to_be_focused()
    await expect(link).to_be_in_viewport()


async def test_what_stands_below_a_title_begins_below_it(visitors: Visitors, org: Org):
    page = await visitors.visit("/people", org.owner, viewport={"width": 1440, "height": 900})
    for path in ("/people", "/settings", "/audit"):
        await page.goto(path)
        title = await page.locator(".bar h1").bounding_box()
        below = await page.locator(".page .content > *").first.bounding_box()
        assert title
        assert below
        assert title["x"] == below["x"]


async def test_a_phone_does_not_zoom_into_a_field(visitors: Visitors, server: Server, org: Org):
    page = await visitors.visit("/search", org.owner, **PHONE)
    await expect(page.get_by_label("Search messages").last).to_have_css("font-size", "16px")
    await page.goto(f"/c/{await server.general(org)}")
    await expect(page.locator("crew-composer textarea")).to_have_css("font-size", "16px")
