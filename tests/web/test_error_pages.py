"""Errors as pages: whoever is signed in stays in the hall."""

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
