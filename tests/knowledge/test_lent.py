"""Knowledge that goes along with an agent that is lent: found by it alone, opened by who reads its answers."""

from typing import Any
from uuid import UUID

import pytest

from crewhall.knowledge import KnowledgeSearch
from tests.conversations.ways import direct, group, turns_settled
from tests.conversations.ways import post as say
from tests.documents.ground import ended, read_now
from tests.files.making import post, sent
from tests.identity.hall import Member, Org
from tests.knowledge.test_librarian import LIBRARIAN, ask
from tests.support.server import AgentClient, Server

MANUAL = b"# Pumps\n\n## Levers\n\nThe red lever stops the pump at once, whatever the weather."
QUESTION = "what does the red lever stop at once?"


async def lent(server: Server, org: Org, other_org: Org, *, knowledge: bool = True) -> tuple[AgentClient, Any, str]:
    """A librarian of `org` that knows a manual, the agent that stands in for it elsewhere, and the grant."""
    agent = await server.hire(org, code="mira", model_config=LIBRARIAN)
    circle = await group(org.owner, agent, title="Secret circle")
    await post(org.owner, circle, await sent(org.owner, circle, MANUAL, "secret-name.md"))
    path = f"/agents/{agent.id}/knowledge"
    source = (await org.owner.api.post(f"{path}/files?name=manual.md", content=MANUAL)).raise_for_status().json()
    item = (await org.owner.api.get(f"{path}/{source['id']}/items")).json()["items"][0]
    await read_now(server, org, item["document_id"], server.services.part(KnowledgeSearch)._first)
    assert (await ended(org, item["document_id"]))["status"] == "ready"
    offered = (await org.owner.api.post(f"/agents/{agent.id}/grants", json={"knowledge": knowledge})).json()
    assert offered["grant"]["knowledge"] is knowledge
    stand_in = (await other_org.owner.api.post("/grants/accept", json={"code": offered["code"]})).raise_for_status()
    return agent, stand_in.json(), offered["grant"]["id"]


class _There:
    """The stand-in, as `direct` names it."""

    def __init__(self, agent_id: str) -> None:
        self.id = UUID(agent_id)


async def answered(server: Server, org: Org, who: Member, stand_in: dict[str, Any]) -> dict[str, Any]:
    """What the borrowed agent answers somebody to the question, in their direct conversation."""
    return await ask(server, org, who, await direct(who, _There(stand_in["id"])), QUESTION)  # type: ignore[arg-type]


@pytest.mark.rule("B5", "B1")
async def test_a_borrowed_agent_answers_from_what_is_lent_and_its_readers_open_the_passage(
    server: Server, org: Org, other_org: Org
):
    _, stand_in, grant = await lent(server, org, other_org)
    reader, stranger, third = await other_org.add(), await other_org.add("admin"), await server.make_org("Third")
    answer = await answered(server, other_org, reader, stand_in)
    assert answer["content"].startswith("**manual.md, Pumps > Levers**")
    (source,) = answer["metadata"]["sources"]
    assert (source["url"], source["document_id"]) == (f"/lent/{source['id']}", None)
    path = f"/knowledge/lent/{source['id']}"
    passage = (await reader.api.get(path)).raise_for_status().json()
    assert passage["content"].endswith("The red lever stops the pump at once, whatever the weather.")
    assert (passage["name"], passage["agent_id"]) == ("manual.md", stand_in["id"])
    assert "ecret" not in str(passage) + str(answer), "where else it stands at home is nobody's business here"
    for wrong in (stranger, third.owner, org.owner):
        assert (await wrong.api.get(path)).status_code == 404
    for elsewhere in (f"/agents/{stand_in['id']}/knowledge", "/documents"):
        assert (await other_org.owner.api.get(elsewhere)).json()["items"] == []
    assert (await reader.api.get("/knowledge/search", params={"q": QUESTION, "kinds": "source"})).json()["found"] == []
    refused = await other_org.owner.api.patch(f"/grants/{grant}", json={"knowledge": False})
    assert refused.status_code == 403, "the lender's to take, as to give"

    (await org.owner.api.patch(f"/grants/{grant}", json={"knowledge": False})).raise_for_status()
    assert (await reader.api.get(path)).status_code == 404
    assert (await answered(server, other_org, reader, stand_in))["content"].startswith("I found nothing")
    (await org.owner.api.patch(f"/grants/{grant}", json={"knowledge": True})).raise_for_status()
    assert (await reader.api.get(path)).status_code == 200

    key = (await other_org.owner.api.post(f"/agents/{stand_in['id']}/credentials", json={})).raise_for_status().json()
    message = f"/conversations/{answer['conversation_id']}/messages/{answer['id']}"
    (await server.client(key["key"]).delete(message)).raise_for_status()
    assert (await reader.api.get(path)).status_code == 404, "who cites it no more opens it no more"


@pytest.mark.rule("B5")
async def test_what_is_taken_back_is_opened_no_more(server: Server, org: Org, other_org: Org):
    agent, stand_in, grant = await lent(server, org, other_org)
    answer = await answered(server, other_org, other_org.owner, stand_in)
    path = f"/knowledge/lent/{answer['metadata']['sources'][0]['id']}"
    (source,) = (await org.owner.api.get(f"/agents/{agent.id}/knowledge")).json()["items"]
    for is_on, status in ((True, 200), (False, 404), (True, 200)):
        change = {"enabled": is_on}
        (await org.owner.api.patch(f"/agents/{agent.id}/knowledge/{source['id']}", json=change)).raise_for_status()
        assert (await other_org.owner.api.get(path)).status_code == status
    (await other_org.owner.api.delete(f"/grants/{grant}")).raise_for_status()
    assert (await other_org.owner.api.get(path)).status_code == 404
    assert (await other_org.owner.api.get(f"/grants/{grant}")).json()["knowledge"] is True, "it says what was"


@pytest.mark.rule("B5", "B1")
async def test_without_the_grants_word_it_finds_nothing_and_no_borrower_says_it(
    server: Server, org: Org, other_org: Org
):
    _, stand_in, grant = await lent(server, org, other_org, knowledge=False)
    key = (await other_org.owner.api.post(f"/agents/{stand_in['id']}/credentials", json={})).raise_for_status().json()
    works = server.client(key["key"])
    asked = {"q": QUESTION, "kinds": "source"}
    assert (await works.get("/knowledge/search", params=asked)).raise_for_status().json()["found"] == []
    assert (await other_org.owner.api.patch(f"/grants/{grant}", json={"knowledge": True})).status_code == 403
    (await org.owner.api.patch(f"/grants/{grant}", json={"knowledge": True})).raise_for_status()
    (found,) = (await works.get("/knowledge/search", params=asked)).json()["found"]
    assert (found["document_id"], found["conversation"], found["kind"]) == (None, None, "source")
    assert found["url"] == f"/lent/{found['id']}"
    assert found["lent_by"]
    assert (await works.get(f"/knowledge/lent/{found['id']}")).status_code == 200, "what it finds it may open"
    assert (await other_org.owner.api.get(f"/knowledge/lent/{found['id']}")).status_code == 404, "nobody cited it"
    own = (await works.get("/knowledge/search", params=asked | {"agent": stand_in["id"]})).json()["found"]
    assert [one["id"] for one in own] == [found["id"]]
    place = await server.general(other_org)
    for narrowed in ({"conversation": place}, {"kinds": "file"}, {"agent": str(other_org.owner.id)}):
        assert (await works.get("/knowledge/search", params=asked | narrowed)).json()["found"] == []
    await turns_settled(server.db, other_org.id)
    await say(other_org.owner, place, "hello")
