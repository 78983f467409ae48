"""What a resident agent cites: by the numbers of what it was given and of what its search has found."""

import pytest

from tests.knowledge.library import keep
from tests.support.openai import Say, Use
from tests.turns_faces.scene import THINKS, Scene

TERMS = "Invoices fall due thirty days after they were sent."
DOG = "The office dog is called Bruno and sleeps below the stairs."


@pytest.mark.rule("X12")
async def test_found_and_given_passages_are_cited_by_one_count_of_numbers(scene: Scene):
    server, org = scene.server, scene.org
    general = await server.general(org)
    _, (terms,) = await keep(server, org, general, "Terms", TERMS)
    _, (dog,) = await keep(server, org, general, "House rules", DOG)
    scene.agent = await server.hire(org, model_config=THINKS, tools=["search_knowledge"], rag_enabled=True)
    scene.circle = await scene.group([("agent", scene.agent.id)])
    run = await scene.asked(
        Use([("search_knowledge", {"query": "the office dog Bruno sleeps"})]),
        Say("Bruno [2]. Thirty days [1], they say [7]."),
        content="@{} when do invoices fall due after they were sent?",
    )
    given = str(scene.model.requests[0]["messages"][-1]["content"])
    assert f"[1] Terms, page 1:\n{TERMS}" in given
    found = str(scene.model.requests[-1]["messages"])
    assert '"cite_as":"[2]"' in found.replace('\\"', '"').replace(": ", ":")
    items = (await scene.owner.get(f"/conversations/{scene.circle}/messages")).raise_for_status().json()["items"]
    answer = next(one for one in items if one["metadata"].get("run_id") == run["id"])
    assert answer["content"] == "Bruno [1]. Thirty days [2], they say."
    assert [(one["number"], one["id"]) for one in answer["metadata"]["sources"]] == [(1, str(dog)), (2, str(terms))]
    result = next(step for step in await scene.steps(run["id"]) if step["kind"] == "result")
    assert [one["number"] for one in result["body"]["sources"]] == [2]
    assert "documents" not in result["body"], "everybody reads #general"
