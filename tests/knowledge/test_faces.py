"""Search through the tool of agents and through the client: the same within the same reach."""

from uuid import UUID

import pytest

from crewhall.faces.sdk import Client
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.tools import Caller, OnlyParts
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.tools import SearchKnowledge, search_knowledge
from tests.conversations.ways import group
from tests.identity.hall import Org
from tests.knowledge.library import keep
from tests.support.server import Server, token_of

CHAIN = "Put the chain back on the smallest sprocket, then turn the pedals slowly."


def caller(server: Server, actor: Actor) -> Caller:
    return Caller(db=server.db, actor=actor, parts=OnlyParts(server.services.part(KnowledgeSearch)))


@pytest.mark.rule("X11")
async def test_an_agent_finds_what_it_and_those_it_acts_for_may_read(server: Server, org: Org):
    ada, agent = await org.add(), await server.hire(org)
    private = await server.channel(org.owner, type="private")
    body = {"member_type": "agent", "member_id": agent.id}
    (await org.owner.api.post(f"/conversations/{private}/members", json=body)).raise_for_status()
    document, chunks = await keep(server, org, private, "Manual", CHAIN)
    alone = Actor(ActorType.AGENT, UUID(agent.id), org.id, name="Scout")
    asked = SearchKnowledge(query="the chain came off")
    found = await search_knowledge(caller(server, alone), asked)
    (passage,) = found.passages
    assert (passage.id, passage.document_id, passage.text) == (chunks[0], document, CHAIN)
    assert passage.link == f"/documents/{document}?chunk={chunks[0]}#chunk-{chunks[0]}"
    for behalf, count in (((org.owner.actor,), 1), ((ada.actor,), 0), ((org.owner.actor, ada.actor), 0)):
        acting = Actor(ActorType.AGENT, alone.id, org.id, name="Scout", behalf=behalf)
        assert len((await search_knowledge(caller(server, acting), asked)).passages) == count
    stranger = Actor(ActorType.USER, ada.id, org.id, role=Role.MEMBER)
    with pytest.raises(CrewhallError):
        await search_knowledge(caller(server, stranger), SearchKnowledge(query="x", conversation_id=UUID(private)))


async def test_a_program_searches(server: Server, org: Org):
    circle = await group(org.owner)
    document, _ = await keep(server, org, circle, "Manual", CHAIN)
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        findings = await client.knowledge.search("sprocket", kinds=["file"], conversation_id=circle, limit=3)
        assert [(one.title, one.document_id, one.kind) for one in findings.found] == [("Manual", str(document), "file")]
        assert (findings.more, findings.by_meaning) == (False, True)
