"""Pages keep handles and codes apart as the API does, and name a free one at the field."""

from uuid import uuid4

from tests.identity.hall import Org
from tests.support.server import Server


async def test_a_page_refuses_a_name_that_means_somebody_else(server: Server, org: Org):
    ada, name = await org.add(), f"n{uuid4().hex[:12]}"
    await server.hire(org, name)
    headers = {"origin": server.address}
    browser, _ = await server.browse(ada)
    form = {"name": "Ada", "handle": name, "timezone": "UTC"}
    refused = await browser.post(f"{server.address}/settings", data=form, headers=headers)
    assert (refused.status_code, f"{name}-2 is free" in refused.text) == (409, True)
    saved = await browser.post(f"{server.address}/settings", data={**form, "handle": f"{name}-2"}, headers=headers)
    assert saved.status_code == 303
    browser, _ = await server.browse(org.owner)
    made = {"name": "Second", "code": f"{name}-2"}
    refused = await browser.post(f"{server.address}/agents/new", data=made, headers=headers)
    assert (refused.status_code, f"{name}-2-2 is free" in refused.text) == (409, True)


async def test_an_invitation_page_says_to_change_the_handle_first(server: Server, org: Org):
    person, name = await server.make_person(), f"n{uuid4().hex[:12]}"
    (await person.api.patch("/me", json={"handle": name})).raise_for_status()
    await server.hire(org, name)
    sent = (await org.owner.api.post("/invitations", json={})).raise_for_status().json()
    browser, _ = await server.browse(person)
    headers = {"origin": server.address}
    refused = await browser.post(f"{server.address}/invitation", data={"token": sent["token"]}, headers=headers)
    assert (refused.status_code, "Change your handle in your settings" in refused.text) == (409, True)
