"""An organization's accent is legible whatever was chosen, and its logo is an image and nothing else."""

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crewhall.identity.accents import DARK_SURFACES, LEGIBLE, LIGHT_SURFACES, Shades, accent_of, contrast, hex_of
from crewhall.identity.looks import find_looks
from tests.files.making import image
from tests.identity.hall import Hall, Org
from tests.support.server import Server

COLOURS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@given(COLOURS)
@example("#000000")
@example("#ffffff")
@example("#ffff00")
@example("#0000ff")
def test_text_in_an_accent_and_on_it_is_legible(chosen: str):
    accent = accent_of(chosen)
    for shades, surfaces in ((accent.light, LIGHT_SURFACES), (accent.dark, DARK_SURFACES)):
        assert contrast(shades.on_accent, shades.accent) >= LEGIBLE
        assert contrast(shades.on_accent, shades.accent_hover) >= LEGIBLE
        for surface in [*map(hex_of, surfaces), shades.accent_soft]:
            assert contrast(shades.accent, surface) >= LEGIBLE, surface
            assert contrast(shades.accent_ink, surface) >= LEGIBLE, surface
    assert accent.stylesheet().count("light-dark(#") == len(Shades.__struct_fields__)


def test_a_legible_colour_stays_what_it_is():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert accent_of("#5b21b6").light.accent == "#5b21b6"
    assert not accent_of("#5b21b6").is_changed
    assert accent_of("#ffee00").is_changed


async def test_settings_are_for_who_manages_the_organization_and_newcomers_start_with_them(hall: Hall):
    org = await hall.make_org()
    path = f"/organizations/{org.id}"
    change = {"locale": "pt-BR", "timezone": "America/Sao_Paulo", "accent": "#5B21B6"}
    assert (await (await org.add()).api.patch(path, json=change)).status_code == 403
    changed = (await org.owner.api.patch(path, json=change)).raise_for_status().json()
    assert changed["accent"] == "#5b21b6"
    for wrong in ({"timezone": "Mars/Olympus"}, {"accent": "red"}, {"locale": "x"}, {"accent": "#12345"}):
        assert (await org.owner.api.patch(path, json=wrong)).status_code in {400, 422}, wrong
    token = (await org.owner.api.post("/invitations", json={})).json()["token"]
    body = {"token": token, "email": "new@locale.example", "name": "New", "password": "some long password"}
    newcomer = (await hall.client().post("/invitations/accept", json=body)).json()["login"]["user"]
    assert (newcomer["locale"], newcomer["timezone"]) == ("pt-BR", "America/Sao_Paulo")
    assert (await org.owner.api.patch(path, json={"accent": None})).json()["accent"] is None


async def put_logo(org: Org, body: bytes) -> httpx.Response:
    return await org.owner.api.put(f"/organizations/{org.id}/logo", content=body)


async def test_a_logo_is_kept_small_shown_to_guests_and_replaced(server: Server):
    org, other = await server.make_org(), await server.make_org()
    path = f"/organizations/{org.id}/logo"
    assert (await (await org.add()).api.put(path, content=image())).status_code == 403
    assert (await other.owner.api.put(path, content=image())).status_code == 404
    for wrong in (b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"MZ" * 100):
        assert (await put_logo(org, wrong)).status_code == 422
    first = (await put_logo(org, image(size=(900, 600)))).raise_for_status().json()["logo_url"]
    guest = server.client()
    shown = await guest.get(f"{server.address}{first}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert len(shown.content) < 20_000
    second = (await put_logo(org, image(size=(64, 64)))).json()["logo_url"]
    assert second != first
    assert (await guest.get(f"{server.address}{first}")).status_code == 404, "another image has another address"
    assert (await org.owner.api.delete(path)).json()["logo_url"] is None
    assert (await guest.get(f"{server.address}{second}")).status_code == 404
    sheet = await guest.get(f"{server.address}/brand/accent/5b21b6.css")
    assert sheet.headers["content-type"].startswith("text/css")
    for name in ("red.css", "5b21b6", "5B21B6.css", "5b21b6;}.css"):
        assert (await guest.get(f"{server.address}/brand/accent/{name}")).status_code == 404


async def test_new_people_join_the_default_channels(server: Server):
    org = await server.make_org()
    channel, api = await server.channel(org.owner), org.owner.api
    member = await org.add()
    mine = await server.channel(member)
    assert (await member.api.patch(f"/conversations/{mine}", json={"is_default": True})).status_code == 403
    assert (await api.patch(f"/conversations/{channel}", json={"is_default": True})).json()["is_default"] is True
    token = (await api.post("/invitations", json={})).json()["token"]
    joined = await server.make_person()
    assert (await joined.api.post("/invitations/accept", json={"token": token})).status_code == 201
    assert (await joined.api.get(f"/conversations/{channel}")).json()["is_member"] is True
    assert (await joined.api.get(f"/conversations/{mine}")).json()["is_member"] is False, "nobody made it a default"
    private = await api.patch(f"/conversations/{channel}", json={"type": "private"})
    assert private.json()["is_default"] is False
    assert (await api.patch(f"/conversations/{channel}", json={"is_default": True})).status_code == 422


async def test_the_only_organization_is_shown_where_one_signs_in(fresh_hall: Hall):
    assert await find_looks(fresh_hall.db) is None
    org = await fresh_hall.make_org("Only")
    found = await find_looks(fresh_hall.db)
    assert found is not None
    assert (found.name, found.logo_url) == ("Only", None)
    await fresh_hall.make_org("Second")
    assert await find_looks(fresh_hall.db) is None
    named = await find_looks(fresh_hall.db, org.id)
    assert named is not None
    assert named.name == "Only"
