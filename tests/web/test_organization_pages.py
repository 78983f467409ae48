"""The pages of an organization: its people, its looks, what new people join. Without a browser: they need no script."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.files.making import image
from tests.identity.hall import PASSWORD, Member, Org
from tests.support.server import Server

pytestmark = pytest.mark.rule("E1")


async def browse(server: Server, person: Member) -> httpx.AsyncClient:
    made, _ = await server.browse(person)
    made.headers.update({"origin": server.address, "accept": "text/html"})
    made.base_url = httpx.URL(server.address)
    return made


async def send(client: httpx.AsyncClient, path: str, **fields: Any) -> int:
    return (await client.post(path, data=fields)).status_code


async def at_the_door(server: Server, last: str = "") -> str:
    """The page on which one signs in, after a wrong password, in a browser that was in an organization before."""
    browser = server.client()
    browser.cookies.set("crewhall_door", last)
    tried = {"email": "nobody@example.org", "password": "a wrong password"}
    shown = await browser.post(f"{server.address}/login", data=tried, headers={"origin": server.address})
    assert shown.status_code == 401
    return shown.text


async def test_people_are_found_deactivated_let_back_in_and_offered_the_organization(server: Server, org: Org):
    grace = await org.add(who=await server.make_person(name="Grace Hopper"))
    owner, theirs = await browse(server, org.owner), await browse(server, grace)
    assert "Grace Hopper" in (await owner.get("/people?q=hopper")).text
    assert "Nobody is found." in (await owner.get("/people?q=hopper&role=admin")).text
    assert await send(theirs, f"/people/{org.owner.id}/deactivate") in {403, 409}
    assert await send(owner, f"/people/{grace.id}/deactivate") == 303
    assert (await theirs.get("/people")).status_code == 303, "they are shown the door"
    assert "Grace Hopper" in (await owner.get("/people?status=deactivated")).text
    assert await send(owner, f"/people/{grace.id}/reactivate") == 303
    assert await send(owner, "/people/ownership/offer", person_id=str(grace.id)) == 303
    back = await browse(server, await server.sign_in(grace, org.id))
    assert "Become the owner" in (await back.get("/people")).text
    assert "Take the offer back" in (await owner.get("/people")).text
    assert await send(back, "/people/ownership/accept") == 303
    assert "Offer the organization" not in (await owner.get("/people")).text


async def test_a_link_for_several_and_a_new_one_are_shown_once(server: Server, org: Org):
    owner = await browse(server, org.owner)
    made = await owner.post("/people/invite", data={"role": "member", "max_uses": "3", "expires_in_days": "2"})
    assert made.status_code == 201
    assert "it works for 3 people" in made.text
    refused = await owner.post("/people/invite", data={"role": "admin", "max_uses": "3"})
    assert (refused.status_code, "one admin at most" in refused.text) == (422, True)
    (open_one,) = (await org.owner.api.get("/invitations")).json()["items"]
    again = await owner.post(f"/people/invitations/{open_one['id']}/resend")
    assert "/invitation?token=" in again.text
    assert "/invitation?token=" not in (await owner.get("/people")).text


@pytest.mark.parametrize(("told", "theirs"), [("Europe%2FBerlin", "Europe/Berlin"), ("Europe%2FAtlantis", "UTC")])
async def test_who_joins_is_in_the_timezone_of_their_browser(server: Server, org: Org, told: str, theirs: str):
    link = (await org.owner.api.post("/invitations", json={})).json()["token"]
    browser = server.client()
    browser.base_url = httpx.URL(server.address)
    browser.headers.update({"origin": server.address, "accept": "text/html"})
    browser.cookies.set("crewhall_zone", told)
    newcomer = {"token": link, "name": "New", "email": f"{uuid4().hex}@example.org", "password": PASSWORD}
    assert await send(browser, "/invitation", **newcomer) == 303
    page = (await browser.get("/settings/notifications")).text
    assert (f"that of {theirs}," in page, "This browser is in" in page) == (True, False)
    browser.cookies.set("crewhall_zone", "Asia%2FTokyo")
    assert "This browser is in Asia/Tokyo" in (await browser.get("/settings/notifications")).text


async def test_looks_are_chosen_and_shown_to_the_invited(server: Server, org: Org):
    owner, member = await browse(server, org.owner), await browse(server, await org.add())
    assert (await member.get("/settings/looks")).status_code == 403
    assert await send(member, "/settings/looks/accent", accent="#5b21b6") == 403
    assert await send(owner, "/settings/looks/accent", accent="#5b21b6") == 303
    assert "/brand/accent/5b21b6.css" in (await member.get("/people")).text
    sent = {"logo": ("logo.png", image(size=(64, 64)), "image/png")}
    assert (await member.post("/settings/looks/logo", files=sent)).status_code == 403
    assert (await owner.post("/settings/looks/logo", files=sent)).status_code == 303
    wrong = await owner.post("/settings/looks/logo", files={"logo": ("x.png", b"no image", "image/png")})
    assert (wrong.status_code, "cannot be read" in wrong.text) == (422, True)
    link = (await org.owner.api.post("/invitations", json={})).json()["link"]
    door = (await server.client().get(link)).text
    assert "/brand/accent/5b21b6.css" in door
    assert "/brand/logo/" in door
    assert "/brand/" not in await at_the_door(server), "there are many here"
    assert "/brand/accent/5b21b6.css" in await at_the_door(server, str(org.id))
    browser = server.client()
    browser.cookies.set("crewhall_door", str(org.id))
    for page in ("/reset", "/password-reset?token=dead"):
        assert "/brand/accent/5b21b6.css" in (await browser.get(f"{server.address}{page}")).text
    assert await send(owner, "/settings/looks/accent", accent="#5b21b6", reset="yes") == 303
    assert await send(owner, "/settings/looks/logo/remove") == 303
    assert "/brand/" not in (await owner.get("/people")).text


async def test_default_channels_are_added_by_name(server: Server, org: Org):
    owner, member = await browse(server, org.owner), await browse(server, await org.add())
    channel = await server.channel(org.owner, name=f"plans-{org.slug[:20]}")
    name = f"#plans-{org.slug[:20]}"
    assert await send(member, "/settings/channels", name=name) == 403
    assert await send(owner, "/settings/channels", name="#nowhere-at-all") == 422
    assert await send(owner, "/settings/channels", name=name) == 303
    assert f"/settings/channels/{channel}/drop" in (await owner.get("/settings/channels")).text
    assert await send(member, f"/settings/channels/{channel}/drop") == 403
    assert await send(owner, f"/settings/channels/{channel}/drop") == 303
