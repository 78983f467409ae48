"""Errors as pages: whoever is signed in stays in the hall."""

import re

from crewhall.kernel.ids import new_id
from tests.identity.hall import Org
from tests.support.server import Server


async def test_who_is_signed_in_stays_in_the_hall(server: Server, org: Org):
    browser, _ = await server.browse(org.owner)
    html = {"accept": "text/html"}
    for path in (f"/c/{new_id()}", "/nowhere", f"/c/{await server.general(org)}/messages/{new_id()}/history"):
        answer = await browser.get(server.address + path, headers=html)
        assert answer.status_code == 404, path
        assert 'id="sidebar"' in answer.text, path
        assert "Back to the hall" in answer.text
    frame = await browser.get(f"{server.address}/c/{new_id()}", headers={**html, "turbo-frame": "thread"})
    assert (frame.status_code, 'id="sidebar"' in frame.text) == (404, False), "a part of a page needs none"
    guest = await server.client().get(f"{server.address}/nowhere", headers=html)
    assert 'id="sidebar"' not in guest.text


async def test_what_is_in_another_of_ones_organizations_is_looked_for_there(server: Server, org: Org):
    second = (await org.owner.api.post("/organizations", json={"name": "Second & Sons"})).raise_for_status().json()
    browser, _ = await server.browse(org.owner)
    browser.headers.update({"origin": server.address, "accept": "text/html"})
    path = f"/c/{await server.general(org)}?at=1"
    assert "another of your organizations" not in (await browser.get(server.address + path)).text
    there = f"{server.address}/organizations/{second['id']}/switch"
    assert (await browser.post(there, data={"next": "//evil.example"})).headers["location"] == "/"
    missed = await browser.get(server.address + path)
    assert missed.status_code == 404
    offered = missed.text.partition("another of your organizations")[2]
    assert "Second" not in offered
    assert f'name="next" value="{path}"' in offered
    action = re.findall(r'action="(/organizations/[^"]+/switch)"', offered)[0]
    back = await browser.post(server.address + action, data={"next": path})
    assert (back.status_code, back.headers["location"]) == (303, path)
    assert (await browser.get(server.address + path)).status_code == 200
    home = await browser.post(server.address + action)
    assert home.headers["location"] == "/"
