"""Pages of organizations that are large: each list ends somewhere, and says where it goes on."""

import re
from uuid import UUID

import httpx
from psycopg.types.json import Jsonb

from crewhall.conversations import pages_manage as channels_page
from crewhall.conversations.queries import list_conversations
from crewhall.identity import pages_people
from crewhall.kernel.ids import new_id
from crewhall.runtime import pages_tool_servers
from tests.identity.hall import Member, Org
from tests.support.server import Server

FURTHER = re.compile(r'href="([^"]*\bafter=[^"]+|[^"]*invited_after=[^"#]+)')


async def browse(server: Server, person: Member) -> httpx.AsyncClient:
    client, _ = await server.browse(person)
    client.headers.update({"origin": server.address, "accept": "text/html"})
    client.base_url = httpx.URL(server.address)
    return client


async def every_page(client: httpx.AsyncClient, path: str) -> list[str]:
    """The pages of a list, as its own links lead on."""
    pages: list[str] = []
    following: str | None = path
    while following:
        pages.append((await client.get(following)).raise_for_status().text)
        found = FURTHER.search(pages[-1])
        following = found[1].replace("&amp;", "&") if found else None
    return pages


async def test_channels_invitations_and_tool_servers_go_on(server: Server, org: Org, monkeypatch):
    monkeypatch.setattr(channels_page, "MOST_CHANNELS", 3)
    monkeypatch.setattr(pages_people, "SHOWN", 2)
    monkeypatch.setattr(pages_tool_servers, "MOST_TOOLS", 3)
    for number in range(4):
        await server.channel(org.owner, name=f"hall-{number}")
        (
            await org.owner.api.post("/invitations", json={"email": f"{number}{org.id.hex}@example.org"})
        ).raise_for_status()
    async with server.db.transaction(org.owner.actor) as tx:
        for number in range(3):
            await add_tools(tx, org.id, f"server-{number}", 2)
    client = await browse(server, org.owner)
    shown = await every_page(client, "/c")
    assert len(shown) == 3  # nine channels: four here, and the five that there are
    assert all(sum(f">hall-{number}</a>" in page for page in shown) == 1 for number in range(4))
    shown = await every_page(client, "/people")
    assert len(shown) == 2
    assert all(sum(f"{number}{org.id.hex}@" in page for page in shown) == 1 for number in range(4))
    shown = await every_page(client, "/settings/tool-servers")
    assert [[f'id="server-{number}"' in page for number in range(3)] for page in shown] == [
        [True, False, False], [False, True, False], [False, False, True],
    ]  # fmt: skip
    listed = (await org.owner.api.get("/tool-servers", params={"limit": 2})).json()
    assert [len(one["tools"]) for one in listed["items"]] == [2, 2]
    rest = (await org.owner.api.get("/tool-servers", params={"after": listed["next"]})).json()
    assert [one["name"] for one in rest["items"]] == ["server-2"]


async def add_tools(tx, org_id: UUID, name: str, count: int) -> None:
    server_id = new_id()
    await tx.run(
        "insert into tool_servers (id, org_id, name, url) values (%(id)s, %(org)s, %(name)s, 'https://example.org')",
        {"id": server_id, "org": org_id, "name": name},
    )
    for number in range(count):
        offered = Jsonb({"tool": f"tool-{number}", "description": "Does something."})
        await tx.run(
            """
            insert into server_tools (org_id, server_id, tool, name, offered, digest)
            values (%(org)s, %(server)s, %(tool)s, %(name)s, %(offered)s, 'x')
            """,
            {
                "org": org_id,
                "server": server_id,
                "tool": f"tool-{number}",
                "name": f"{name}-{number}",
                "offered": offered,
            },
        )


async def test_what_is_near_is_not_lost_among_busier_channels_of_others(server: Server, org: Org):
    ada = await org.add()
    own, starred, strange = [await server.channel(org.owner) for _ in range(3)]
    (await ada.api.post(f"/conversations/{own}/join")).raise_for_status()
    client = await browse(server, ada)
    assert (await client.post(f"/c/{starred}/star")).status_code == 303
    async with server.db.transaction(ada.actor) as tx:
        near = {str(one.id) for one in (await list_conversations(tx, ada.actor, near=True)).items}
        every = {str(one.id) for one in (await list_conversations(tx, ada.actor)).items}
    assert {own, starred} <= near
    assert strange in every - near
    async with server.db.transaction(org.owner.actor) as tx:
        found = (await list_conversations(tx, org.owner.actor, near=True)).items
    assert "audit" in {one.name for one in found}
