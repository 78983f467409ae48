"""Set up on the page and by the client library: secrets are shown once, or never; who may not, does not."""

import re

from psycopg import errors

from crewhall.faces.sdk import Client
from crewhall.kernel.actor import system_actor
from crewhall.work.github.signing import sign
from tests.github.hub import TOKEN
from tests.identity.hall import Org
from tests.support.server import Server, token_of
from tests.web.test_long_lists import browse

PAGE = "/settings/github"


async def test_the_page_connects_adds_and_shows_the_secret_once(server: Server, org: Org):
    client = await browse(server, org.owner)
    assert "Connect to GitHub" in (await client.get(PAGE)).text
    refused = await client.post(PAGE, data={"name": "GitHub", "token": "ghp_tiny"})
    assert refused.status_code == 422
    assert "ghp_tiny" not in refused.text
    made = await client.post(PAGE, data={"name": "GitHub", "token": TOKEN})
    assert made.status_code == 200
    secret = re.search(r'"([A-Za-z0-9_-]{43})"', made.text)
    address = re.search(r"/api/v1/github/hooks/([0-9a-f-]{36})", made.text)
    assert secret is not None
    assert address is not None
    shown = (await client.get(PAGE)).text
    assert secret[1] not in shown
    assert TOKEN not in made.text + shown
    headers = {"x-github-event": "ping", "x-github-delivery": "1", "x-hub-signature-256": sign(secret[1], b"{}")}
    hook = f"/github/hooks/{address[1]}"
    assert (await server.client().post(hook, content=b"{}", headers=headers)).status_code == 202
    body = {"full_name": "octo/hall", "connection_id": address[1]}
    assert (await client.post(f"{PAGE}/repositories", data=body)).status_code in {200, 303}
    assert (await client.post(f"{PAGE}/repositories", data=body)).status_code == 409
    assert (await client.post(f"{PAGE}/connections/{address[1]}/check")).status_code in {200, 303}
    shown = (await client.get(PAGE)).text
    assert "octo/hall" in shown
    assert "There was no answer from GitHub" in shown


async def test_members_and_agents_neither_see_nor_set_up(server: Server, org: Org):
    member, agent = await org.add(), await server.hire(org)
    assert (await (await browse(server, member)).get(PAGE)).status_code == 403
    for api in (member.api, agent.api):
        assert (await api.get("/github/connections")).status_code == 403
        assert (await api.post("/github/connections", json={"token": TOKEN})).status_code == 403
        assert (await api.get("/github/deliveries")).status_code == 403


async def test_nothing_secret_stands_in_the_database_or_the_audit_log(server: Server, org: Org):
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        made = await client.github.connect(token=TOKEN, webhook_secret="sixteen letters or more")
        assert made.webhook_secret == "sixteen letters or more"
        assert [one.webhook_secret for one in await client.github.connections()] == [None]
        added = await client.github.add(made.id, "octo/hall")
        assert [one.id async for one in client.github.repositories()] == [added.id]
        asked = await client.github.ask(added.id, issue={"title": "From here"})
        assert [(one.id, one.state) async for one in client.github.changes(added.id)] == [(asked.id, "waiting")]
        assert [one async for one in client.github.items(added.id)] == []
        checked = await client.github.check(made.id)
        assert (checked.answered, checked.problem) == (None, "There was no answer from GitHub (ConnectError).")
    async with server.db.transaction(system_actor(org.id)) as tx:
        rows = await tx.values("select c::text from github_connections c")
        audit = await tx.values("select details::text from audit_log")
    for secret in (TOKEN, "sixteen letters or more"):
        assert not any(secret in one or secret.encode().hex() in one for one in (*rows, *audit))


async def test_another_organization_reaches_nothing_by_sql_either(server: Server, org: Org, other_org: Org):
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        made = await client.github.connect(token=TOKEN)
        await client.github.add(made.id, "octo/hall")
    async with server.db.transaction(other_org.owner.actor) as tx:
        assert await tx.value("select count(*) from github_connections") == 0
        assert await tx.value("select count(*) from github_repositories") == 0
        try:
            await tx.run(
                "insert into github_repositories (id, org_id, connection_id, full_name) "
                "values (gen_random_uuid(), %(org)s, %(connection)s, 'octo/theirs')",
                {"org": org.id, "connection": made.id},
            )
        except errors.InsufficientPrivilege:
            return
    raise AssertionError("a row of another organization was written")
