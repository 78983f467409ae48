"""Links of mails lead into the organization that they are about, wherever their reader is at the moment."""

import re
from urllib.parse import quote

import pytest

from tests.conversations.ways import post
from tests.notifications.test_digests import clock, fall_due, mails_to, reader
from tests.notifications.ways import handle_of


@pytest.mark.rule("B1")
async def test_the_link_of_a_digest_opens_in_its_organization_and_moves_nobody_unasked(server, org, other_org):
    ada = await reader(server, org)
    general = await server.general(org)
    await post(org.owner, general, f"words for @{await handle_of(ada)}")
    assert await clock(server).send(await fall_due(server, org, ada))
    (mail,) = mails_to(server, ada)
    path = re.findall(r"(/in/\S+/inbox/\S+)", mail.body)[0]
    assert path in mail.html
    browser, _ = await server.browse(ada)
    browser.headers.update({"origin": server.address, "accept": "text/html"})
    inbox = path.removeprefix(f"/in/{org.id}")
    straight = await browser.get(server.address + path)
    assert (straight.status_code, straight.headers["location"]) == (303, inbox)

    await other_org.add(who=ada)
    name = (await other_org.owner.api.get(f"/organizations/{other_org.id}")).json()["name"]
    await browser.post(f"{server.address}/organizations/{other_org.id}/switch")
    asked = await browser.get(server.address + path)
    assert asked.status_code == 200
    assert "This is in Acme" in asked.text
    assert f"You are in {name} now" in asked.text
    assert (await browser.get(server.address + inbox)).status_code == 404, "nobody was moved by looking"
    form = f'action="/organizations/{org.id}/switch"><input type="hidden" name="next" value="{inbox}">'
    assert form in asked.text
    entered = await browser.post(f"{server.address}/organizations/{org.id}/switch", data={"next": inbox})
    assert entered.headers["location"] == inbox
    opened = await browser.get(server.address + inbox)
    assert opened.headers["location"].startswith(f"/c/{general}")

    guest = await server.client().get(server.address + path, headers={"accept": "text/html"})
    assert guest.headers["location"] == f"/login?next={quote(path, safe='')}"


async def test_a_link_into_somebody_elses_organization_says_nothing_of_it(server, org, other_org):
    browser, _ = await server.browse(org.owner)
    browser.headers["accept"] = "text/html"
    for where in (other_org.id, org.owner.id):
        answer = await browser.get(f"{server.address}/in/{where}/people")
        assert answer.status_code == 404
        assert "There is no such organization among yours." in answer.text
    paths = {"//evil.example": "/evil.example", "/search?q=a%20b&at=1": "/search?q=a%20b&at=1", "": "/"}
    paths |= {"/%5Cevil.example": "/", "/%09/evil.example": "/"}  # to a browser, addresses of other sites
    for path, to in paths.items():
        led = await browser.get(f"{server.address}/in/{org.id}{path}")
        assert (led.status_code, led.headers["location"]) == (303, to)
