"""Answers with sources: the librarian quotes what the asker may read, numbered, and says when there is nothing."""

import json
from typing import Any

import pytest

from tests.conversations.ways import as_member, direct, group, turns_settled
from tests.conversations.ways import post as say
from tests.identity.hall import Member, Org
from tests.knowledge.library import keep
from tests.support.server import AgentClient, Server

LIBRARIAN = {"provider": "crewhall", "model": "librarian"}
TERMS = "Invoices fall due thirty days after they were sent, @everybody. See [1] of the annex."
OTHER = "The office dog is called Bruno and sleeps below the stairs."


async def ask(server: Server, org: Org, who: Member, place: str, text: str) -> dict[str, Any]:
    """The message that answers what somebody asks."""
    await turns_settled(server.db, org.id)  # what was said before may be answered, too
    asked = await say(who, place, text)
    await turns_settled(server.db, org.id)
    items = (await who.api.get(f"/conversations/{place}/messages")).raise_for_status().json()["items"]
    (answer,) = [one for one in items if one["seq"] > asked["seq"]]
    return dict(answer)


async def librarian(server: Server, org: Org) -> AgentClient:
    return await server.hire(org, model_config=LIBRARIAN)


@pytest.mark.rule("X6", "X12")
async def test_what_is_quoted_has_a_number_that_opens_its_passage(server: Server, org: Org):
    agent, general = await librarian(server, org), await server.general(org)
    document, (chunk, _) = await keep(server, org, general, "Terms", TERMS, OTHER)
    answer = await ask(server, org, org.owner, general, f'@{agent.code} when do invoices fall due: "after" -sent?')
    assert answer["content"].startswith("**Terms, page 1**\u00a0[1]\n\n> Invoices fall due thirty days")
    assert answer["mentions"] == []
    source = {"number": 1, "id": str(chunk), "title": "Terms, page 1", "document_id": str(document),
              "url": f"/documents/{document}?chunk={chunk}#chunk-{chunk}"}  # fmt: skip
    assert answer["metadata"]["sources"][0] == source
    assert f'<a href="{server.address}{source["url"]}"' in answer["html"]
    assert "Bruno" not in answer["content"]
    run = answer["metadata"]["run_id"]
    context = (await org.owner.api.get(f"/runs/{run}/steps")).raise_for_status().json()["items"][0]["body"]
    assert [one["id"] for one in context["passages"]] == [str(chunk)]
    assert context["passages"][0]["score"] > 0
    (await org.owner.api.get(f"/documents/{document}")).raise_for_status()


async def test_where_nothing_fits_it_says_so_and_without_a_question_what_it_does(server: Server, org: Org):
    agent = await librarian(server, org)
    place = await direct(org.owner, agent)
    await keep(server, org, place, "Terms", TERMS)
    answer = await ask(server, org, org.owner, place, "how tall are herons")
    assert answer["content"].startswith("I found nothing about this")
    assert "sources" not in answer["metadata"]
    answer = await ask(server, org, org.owner, place, "?")
    assert answer["content"].startswith("I look things up")


@pytest.mark.rule("X11", "B1")
async def test_it_quotes_what_both_may_read_and_nothing_else(server: Server, org: Org, other_org: Org):
    agent, ada = await librarian(server, org), await org.add()
    circle = await group(org.owner, agent, title="Board")
    await keep(server, org, circle, "Terms", TERMS)
    await keep(server, org, await group(org.owner, ada, title="Without it"), "Terms", TERMS)
    await keep(server, other_org, await server.general(other_org), "Terms", TERMS)
    hers, his = await direct(ada, agent), await direct(org.owner, agent)
    question = "when do invoices fall due after they were sent?"
    assert (await ask(server, org, ada, hers, question))["content"].startswith("I found nothing"), "she may not, or it"
    assert (await ask(server, org, org.owner, his, question))["content"].startswith("**Terms")
    (await org.owner.api.post(f"/conversations/{circle}/members", json=as_member(ada))).raise_for_status()
    assert (await ask(server, org, ada, hers, question))["content"].startswith("**Terms")


@pytest.mark.rule("X11", "X12")
async def test_who_may_not_read_a_document_opens_neither_it_nor_what_quotes_it(server: Server, org: Org):
    agent, admin = await librarian(server, org), await org.add("admin")
    circle, general = await group(org.owner, agent, title="Board"), await server.general(org)
    await keep(server, org, circle, "Terms", TERMS)
    answer = await ask(server, org, org.owner, general, f"@{agent.code} when do invoices fall due after they were sent")
    (source,) = answer["metadata"]["sources"]
    for who, status, is_sealed in ((org.owner, 200, False), (admin, 404, True)):
        assert (await who.api.get(f"/documents/{source['document_id']}")).status_code == status
        run = (await who.api.get(f"/runs/{answer['metadata']['run_id']}/steps")).raise_for_status().json()["items"]
        assert {step["kind"]: step["is_sealed"] for step in run}["context"] is is_sealed


async def test_nobody_claims_sources_of_their_own(server: Server, org: Org):
    path = f"/conversations/{await server.general(org)}/messages"
    body = {"content": "trust me [1]", "metadata": {"sources": [{"number": 1, "id": "x", "title": "Law", "url": "/x"}]}}
    refused = await org.owner.api.post(path, json=body)
    assert refused.status_code == 422
    assert "sources" in refused.text


async def test_it_is_tried_out_with_the_rights_of_who_tries(server: Server, org: Org):
    agent, general = await librarian(server, org), await server.general(org)
    await keep(server, org, general, "Terms", TERMS)
    body = {"prompt": "when do invoices fall due after they were sent?"}
    answer = (await org.owner.api.post(f"/agents/{agent.id}/try", json=body)).raise_for_status()
    assert "**Terms, page 1**\u00a0[1]" in json.loads(answer.text.splitlines()[-2].removeprefix("data: "))["text"]
    assert "/documents/" in answer.text
