"""What sources say is found by the agent whose they are, and by people who see it; programs give and follow them."""

from uuid import UUID

import pytest

from crewhall.faces.plumbing.forms import Form
from crewhall.faces.sdk import Client
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import CrewhallError
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.pages_source_fields import refuse, shown_config, typed_config
from crewhall.knowledge.schemas_search import FindingKind, Searched
from crewhall.knowledge.sources.vocabulary import SourceType
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


@pytest.mark.parametrize(
    ("kind", "path", "typed", "config"),
    [
        ("url", "https://example.org/", {"depth": "2", "pages": "100", "delay_s": "0.5"}, {"depth": 2, "delay_s": 0.5}),
        ("folder", "shared", {"patterns": "*.md\r\n *.pdf \r\n"}, {"patterns": ["*.md", "*.pdf"], "watch": False}),
        ("folder", "shared", {"patterns": "", "files": "", "watch": "true"}, {}),
        ("api", "https://e.org/", {"items": "a.b", "key": "id", "text": "x\ny"}, {"items": "a.b", "text": ["x", "y"]}),
        ("database", "crm/x", {"query": " select 1 ", "whole": "true"}, {"query": " select 1 ", "whole": True}),
    ],
)  # fmt: skip
def test_what_is_typed_in_a_form_is_what_the_api_takes(
    kind: str, path: str, typed: dict[str, str], config: dict[str, object]
):
    assert typed_config(Form({"path": path, **typed}), SourceType(kind)) == config


@pytest.mark.parametrize(
    ("kind", "typed", "field"),
    [
        ("url", {"depth": "deep"}, "depth"),
        ("url", {"pages": "0"}, "pages"),
        ("folder", {"patterns": "x" * 201}, "patterns"),
        ("database", {"query": ""}, "query"),
        ("api", {"pages": "1e9"}, "pages"),
    ],
)
def test_what_is_refused_of_a_form_is_told_at_its_field(kind: str, typed: dict[str, str], field: str):
    form = Form(typed)
    with pytest.raises(CrewhallError) as refused:
        typed_config(form, SourceType(kind))
    refuse(form, refused.value)
    assert list(form.errors) == [field]
    assert shown_config(form, SourceType(kind), {})[field] == typed[field]


async def test_without_scripts_a_source_is_changed_field_by_field(server: Server, org: Org):
    scout = await server.hire(org, "scout")
    body = {"type": "url", "path": "https://example.org/", "config": {"depth": 2}, "enabled": False}
    made = (await org.owner.api.post(f"/agents/{scout.id}/knowledge", json=body)).raise_for_status().json()
    path = f"/agents/{scout.id}/knowledge/{made['id']}"
    page, _ = await server.browse(org.owner)
    typed = {"name": "It", "fields": "url", "depth": "99", "pages": "7", "cron": ""}
    refused = await page.post(f"{server.address}{path}", data=typed)
    assert (refused.status_code, 'id="error-depth"' in refused.text, 'value="99"' in refused.text) == (422, True, True)
    assert (await org.owner.api.get(path)).json()["config"] == {"depth": 2}
    assert (await page.post(f"{server.address}{path}", data=typed | {"depth": "1"})).status_code == 303
    assert (await org.owner.api.get(path)).json()["config"] == {"depth": 1, "pages": 7}
