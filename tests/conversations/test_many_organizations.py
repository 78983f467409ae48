"""Somebody in very many organizations: every page works, and each organization can be reached."""

import re

import httpx
import psycopg
import pytest

from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server

MANY = 210


@pytest.fixture
async def busy(cluster: SharedCluster, worker_id: str, server: Server, org: Org) -> httpx.AsyncClient:
    """A browser of the organization's owner, who is in 210 more whose names come before."""
    async with await psycopg.AsyncConnection.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        await connection.execute(
            """
            with made as (
                insert into organizations (id, slug, name)
                select gen_random_uuid(), 'aa-' || md5(%(user)s || n), 'Aa ' || lpad(n::text, 3, '0')
                from generate_series(1, %(many)s) n returning id)
            insert into memberships (org_id, user_id, role) select id, %(user)s::uuid, 'member' from made
            """,
            {"user": str(org.owner.id), "many": MANY},
        )
    browser, session = await server.browse(org.owner)
    await browser.aclose()
    return httpx.AsyncClient(base_url=server.address, cookies={"crewhall_session": session}, timeout=20, verify=False)


async def test_pages_name_the_organization_one_is_in_and_lead_to_the_others(
    busy: httpx.AsyncClient, server: Server, org: Org
) -> None:
    async with busy:
        (await busy.post(f"/organizations/{org.id}/switch", headers={"origin": server.address}))
        shown = await busy.get("/settings")
        assert shown.status_code == 200, shown.text
        assert re.search(r'class="switcher".*?Acme', shown.text, re.DOTALL)
        assert f'action="/organizations/{org.id}/switch"' in shown.text
        assert shown.text.count('action="/organizations/') < 30
        assert 'href="/organizations"' in shown.text
        seen: list[str] = []
        address: str | None = "/organizations"
        while address:
            page = await busy.get(address)
            assert page.status_code == 200, page.text
            seen += re.findall(r'action="/organizations/([0-9a-f-]+)/switch"', page.text)
            more = re.search(r'href="(/organizations\?after=[^"]+)"', page.text)
            address = more[1] if more else None
        assert (len(seen), len(set(seen))) == (MANY + 1, MANY + 1)
        assert str(org.id) in seen


async def test_who_is_in_few_is_led_nowhere_else(server: Server, org: Org) -> None:
    browser, session = await server.browse(org.owner)
    await browser.aclose()
    async with httpx.AsyncClient(
        base_url=server.address, cookies={"crewhall_session": session}, verify=False
    ) as client:
        shown = await client.get("/settings")
    assert shown.text.count('action="/organizations/') == 1
    assert 'href="/organizations"' not in shown.text
