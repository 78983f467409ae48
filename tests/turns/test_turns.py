"""A resident agent's turn, from its run to its answer."""

import asyncio

import pytest

from tests.support.openai import BreakOff, Fail, Say, Use
from tests.turns.hall import SCRIPTED


@pytest.mark.rule("C12", "X12")
async def test_an_agent_answers_what_it_was_asked(hall, org, model):
    model.play(Say("Good morning, everybody."))
    asked = await hall.ask(org, "good morning @{}")
    run = await asked.take()
    assert (run.status, run.reason, run.attempt) == ("succeeded", "answered", 1)
    assert await asked.answers() == ["Good morning, everybody."]
    (said,) = [said for said in await hall.said(asked.circle) if said.author_id == asked.agent.id]
    assert (said.id, said.role, said.metadata) == (run.answer_id, "assistant", {"run_id": str(run.id)})
    assert (run.requests, run.input_tokens, run.output_tokens) == (1, 11, 7)
    assert run.model == "scripted:scripted-1"
    assert await asked.kinds() == ["context", "request", "answer", "post"]
