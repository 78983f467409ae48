"""Mail that was not sent, on the page of an organization's owner: its own, and nothing that opens another's account."""

import httpx

from tests.identity.hall import Member, Org
from tests.support.server import Server


async def _settings_page(server: Server, member: Member) -> str:
    _, session = await server.browse(member)
    async with httpx.AsyncClient(
        base_url=server.address, cookies={"crewhall_session": session}, verify=False
    ) as browser:
        return (await browser.get("/settings/organization")).raise_for_status().text


async def test_an_owner_reads_the_invitations_of_their_organization_alone(server: Server, org: Org, other_org: Org):
    sent = (await org.owner.api.post("/invitations", json={"email": f"i{org.id.hex}@example.org"})).json()
    await server.services.part(type(server.errands)).close()
    assert sent["token"] in await _settings_page(server, org.owner)
    assert sent["token"] not in await _settings_page(server, other_org.owner)


async def test_a_password_reset_is_shown_to_no_owner(server: Server, org: Org, other_org: Org):
    asked = await server.client().post("/auth/password-reset", json={"email": org.owner.email})
    assert asked.status_code == 202
    await server.services.part(type(server.errands)).close()
    for owner in (org.owner, other_org.owner):
        assert "password-reset?token=" not in await _settings_page(server, owner)
