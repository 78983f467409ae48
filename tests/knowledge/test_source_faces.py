"""What sources say is found by the agent whose they are, and by people who see it; programs give and follow them."""

from uuid import UUID

import pytest

from crewhall.faces.sdk import Client
from crewhall.kernel.actor import Actor, ActorType
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.schemas_search import FindingKind, Searched
from tests.conversations.ways import group
from tests.documents.ground import read_now
from tests.files.making import post, sent
from tests.identity.hall import Org
from tests.support.server import Server, token_of

MANUAL = b"# Pumps\n\nThe red lever stops the pump.\n"


@pytest.mark.rule("B10")
async def test_an_agent_finds_what_its_own_sources_say(server: Server, org: Org):
    scout, other, friend = await server.hire(org, "scout"), await server.hire(org, "other"), await org.add()
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        made = await client.sources.add_file(scout.id, MANUAL, name="pumps.md")
        assert [one.name for one in await client.sources.list(scout.id)] == ["pumps.md"]
        (item,) = [one async for one in client.sources.items(scout.id, made.id)]
        assert (await client.sources.wait(scout.id, made.id)).state == "synced"
    assert item.document_id is not None
    assert (await scout.api.get(f"/agents/{scout.id}/knowledge")).status_code == 200
    for nobody in (other.api, friend.api):
        assert (await nobody.get(f"/agents/{scout.id}/knowledge")).status_code == 403
    assert (await scout.api.delete(f"/agents/{scout.id}/knowledge/{made.id}")).status_code == 403
    await read_now(server, org, item.document_id)
    document = (await friend.api.get(f"/documents/{item.document_id}")).json()
    assert [(one["kind"], one["name"], one["agent_id"]) for one in document["origins"]] == [
        ("source", "pumps.md", scout.id)
    ]

    async def found(actor: Actor, agent_id: str | None = None, source_id: str | None = None) -> list[str]:
        wanted = Searched(
            kinds=(FindingKind.SOURCE,),
            agent_id=UUID(agent_id) if agent_id else None,
            source_id=UUID(source_id) if source_id else None,
        )
        search = server.services.part(KnowledgeSearch)
        return [one.title for one in (await search.search(actor, "red lever", wanted)).found]

    def agent(agent_id: str) -> Actor:
        return Actor(ActorType.AGENT, UUID(agent_id), org.id, name="x", behalf=(friend.actor,))

    assert await found(agent(scout.id)) == ["pumps.md"]
    assert await found(agent(other.id)) == []
    assert await found(friend.actor, agent_id=scout.id) == ["pumps.md"]
    assert await found(friend.actor, source_id=made.id) == ["pumps.md"]
    assert await found(friend.actor, agent_id=other.id) == []


async def test_a_file_of_a_conversation_is_given_by_who_may_read_it_and_read_once(server: Server, org: Org):
    scout, circle, friend = await server.hire(org, "scout"), await group(org.owner), await org.add("admin")
    file = await sent(org.owner, circle, MANUAL, "pumps.md")
    await post(org.owner, circle, file)
    path = f"/agents/{scout.id}/knowledge/files/{file['id']}"
    assert (await friend.api.put(path)).status_code == 404
    made = (await org.owner.api.put(path)).raise_for_status().json()
    again = (await org.owner.api.put(path)).raise_for_status().json()
    assert (made["id"], made["item_count"]) == (again["id"], again["item_count"])
    document = (await org.owner.api.get(f"/files/{file['id']}")).json()["document"]["id"]
    items = (await org.owner.api.get(f"/agents/{scout.id}/knowledge/{made['id']}/items")).json()["items"]
    assert [one["document_id"] for one in items] == [document]
    assert (await friend.api.get(f"/documents/{document}")).status_code == 200
