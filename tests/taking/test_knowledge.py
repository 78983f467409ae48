"""What an agent looks up for a turn: the port's contract, the share of the context, the citations."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import UNAVAILABLE
from crewhall.kernel.ids import new_id
from crewhall.ports.knowledge import Knowledge, MemoryKnowledge, Passage, Question
from crewhall.runtime import knowing
from crewhall.runtime.executor import Executor
from crewhall.runtime.handbook import Section
from crewhall.runtime.knowing import HandbookKnowledge, tokens_in, within
from tests.support.openai import Say
from tests.taking.hall import SCRIPTED, TakingHall


def passage(number: int, text: str) -> Passage:
    return Passage(id=str(number), title=f"Page {number}", url=f"https://hall.test/{number}", text=text, score=1)


def asking(text: str) -> Question:
    asker = Actor(type=ActorType.AGENT, id=new_id(), org_id=new_id())
    return Question(asker=asker, text=text)


@pytest.mark.parametrize(
    "knowledge",
    [
        MemoryKnowledge(
            [passage(1, "make a backup"), passage(2, "restore"), passage(3, "a backup and how to restore")]
        ),
        HandbookKnowledge("https://hall.test"),
    ],
    ids=["memory", "handbook"],
)
class TestContract:
    async def test_what_fits_best_comes_first_and_no_more_than_asked_for(self, knowledge: Knowledge):
        found = await knowledge.find(asking("backup restore"), 10)
        assert len(found) >= 2
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        assert await knowledge.find(asking("backup restore"), 2) == found[:2]
        assert await knowledge.find(asking("backup restore"), 0) == []

    async def test_each_says_where_it_stands(self, knowledge: Knowledge):
        found = await knowledge.find(asking("backup restore"), 10)
        assert len({one.id for one in found}) == len(found)
        assert all(one.title and one.text and one.url.startswith("https://hall.test/") for one in found)

    async def test_where_nothing_fits_nothing_is_found(self, knowledge: Knowledge):
        assert await knowledge.find(asking("qwertzuiop"), 10) == []


async def test_the_handbook_is_searched_beside_the_loop(monkeypatch):
    searched_in: list[int] = []

    def rank(_question: str) -> list[tuple[float, Section]]:
        searched_in.append(threading.get_ident())
        return []

    monkeypatch.setattr(knowing, "rank_sections", rank)
    assert await HandbookKnowledge("https://hall.test").find(asking("backup"), 1) == []
    assert searched_in
    assert threading.get_ident() not in searched_in


@given(st.lists(st.integers(0, 3000), max_size=8), st.integers(0, 3000))
def test_passages_stay_within_their_share_and_in_order(sizes, most):
    found = [passage(number, "é" * size) for number, size in enumerate(sizes)]
    kept = within(found, most)
    assert tokens_in(kept) <= most
    assert [one.id for one in kept] == [one.id for one in found][: len(kept)]


def knowing_executor(hall: TakingHall, knowledge: Knowledge) -> Executor:
    parts = (hall.db, hall.log, hall.posting, hall.live, hall.signals, hall.turn_settings)
    return Executor(*parts, base_url="https://hall.test", knowledge=knowledge)


@pytest.mark.rule("X12")
async def test_an_agent_is_given_what_was_found_and_it_can_be_opened(hall, org, model):
    model.play(Say("Every night."))
    knowledge = MemoryKnowledge([passage(1, "a backup is made every night"), passage(2, "herons")])
    asked = await hall.ask(org, "@{} when is the backup made", rag_enabled=True)
    executor = knowing_executor(hall, knowledge)
    await asked.take(executor)
    await executor.close()
    (question,) = knowledge.asked
    assert (question.asker.org_id, question.asker.id, question.text) == (
        org.id,
        asked.agent.id,
        "when is the backup made",
    )
    assert [one.id for one in question.asker.behalf] == [org.owner.actor.id]
    (context, *_) = await asked.steps()
    assert [one["id"] for one in context.body["passages"]] == ["1"]
    sent = str(model.requests[0]["messages"][-1]["content"])
    assert "[1] Page 1:\na backup is made every night" in sent
    assert "herons" not in sent


async def test_who_does_not_look_things_up_is_given_nothing(hall, org, model):
    model.play(Say("Yes."))
    knowledge = MemoryKnowledge([passage(1, "backup")])
    asked = await hall.ask(org, "@{} backup", model_config=SCRIPTED)
    executor = knowing_executor(hall, knowledge)
    await asked.take(executor)
    await executor.close()
    assert knowledge.asked == []


async def test_a_turn_goes_on_where_nothing_can_be_looked_up(hall, org, model):
    class Away(MemoryKnowledge):
        async def find(self, question: Question, most: int) -> list[Passage]:
            raise UNAVAILABLE("It is away.")

    model.play(Say("Yes."))
    asked = await hall.ask(org, "@{} backup", rag_enabled=True)
    executor = knowing_executor(hall, Away())
    assert (await asked.take(executor)).reason == "answered"
    await executor.close()
