"""No confused deputy: a turn does no more than its agent and whoever set it off may, each."""

from typing import Any

import pytest

from crewhall.identity.people import remove_member
from crewhall.runtime.queries import list_steps
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause
from tests.identity.hall import Member
from tests.support.openai import Say, Use
from tests.taking.ground import READS, SECRET, share
from tests.taking.hall import SCRIPTED, Asked


def quotes(results: list[dict[str, Any]]) -> list[bool]:
    return [SECRET in str(body.get("result")) or "secret" in str(body.get("result")) for body in results[:3]]


@pytest.mark.rule("X11")
async def test_who_may_read_there_is_quoted_what_the_agent_may_read_too(ground, model):
    asked, results = await ground.quoting(model, ground.insider)
    assert quotes(results) == [True, True, True]
    assert (await asked.run()).behalf_of == [ground.insider.id]
    assert [said.content for said in await ground.hall.said(ground.secret)][-1] == "found"


@pytest.mark.rule("X11")
async def test_who_may_not_read_there_is_not_quoted_it_by_an_agent_that_may(ground, model):
    _, results = await ground.quoting(model, ground.outsider)
    assert [body.get("code") for body in results] == ["not_found", None, None, "not_found"]
    assert quotes(results) == [False, False, False]
    assert SECRET not in str(model.requests)
    assert [said.content for said in await ground.hall.said(ground.secret)] == [SECRET]


@pytest.mark.rule("X11")
async def test_a_turn_for_two_does_what_both_may(ground, model):
    _, results = await ground.quoting(model, ground.outsider, ground.insider)
    assert [body.get("code") for body in results] == ["not_found", None, None, "not_found"]
    assert SECRET not in str(model.requests)


@pytest.mark.rule("X11")
async def test_an_agent_that_is_asked_by_an_agent_still_acts_for_the_person(ground, model):
    hall, org = ground.hall, ground.org
    front = await hall.hire(org, model_config=SCRIPTED, tools=READS)
    model.play(Use([("ask_agent", {"agent": ground.agent.name, "question": "quote #secret"})]), Say("Asked."))
    await hall.say(ground.outsider.actor, ground.square, f"@{front.name} find out")
    first = await hall.decided(org, ground.square, front)
    assert (await first.take()).reason == "answered"
    (told,) = [step.body["result"] for step in await first.steps() if step.kind == "result"]
    assert told["is_asked"] is True
    there = {"conversation_id": str(ground.secret)}
    model.play(Use([("read_messages", there), ("search_messages", {"query": "heron"})]), Say("No."))
    second = await hall.decided(org, ground.square, ground.agent)
    run = await second.take()
    assert (run.author_id, run.behalf_of) == (front.id, [ground.outsider.id])
    results = [step.body for step in await second.steps() if step.kind == "result"]
    assert (results[0]["code"], results[1]["result"]["hits"]) == ("not_found", [])
    model.play(Use([("ask_agent", {"agent": front.name, "question": "me?"})]), Say("x"))
    asked = await hall.ask(org, tools=["ask_agent"])
    await asked.take()
    model.play(Use([("ask_agent", {"agent": asked.agent.name, "question": "me?"})]), Say("x"))
    await hall.say(org.owner.actor, asked.circle, f"@{asked.agent.name} again")
    itself = await hall.decided(org, asked.circle, asked.agent)
    await itself.take()
    (error,) = [step.body for step in await itself.steps() if step.kind == "result"]
    assert error["code"] == "invalid"


@pytest.mark.rule("X11")
async def test_what_an_agent_says_by_itself_gives_its_own_rights_alone(ground, model):
    hall, org = ground.hall, ground.org
    other = await hall.hire(org)
    await hall.say(ground.insider.actor, ground.square, "hello")
    model.play(Use([("read_messages", {"conversation_id": str(ground.secret)})]), Say("No."))
    await hall.say(other, ground.square, f"@{ground.agent.name} quote #secret", client_id=f"run:{ground.agent.id}")
    asked = await hall.decided(org, ground.square, ground.agent)
    run = await asked.take()
    assert run.behalf_of == [other.id]
    (result,) = [step.body for step in await asked.steps() if step.kind == "result"]
    assert result["code"] == "not_found"


@pytest.mark.rule("X11")
async def test_a_remote_agent_acts_for_who_asked_it_in_its_one_answer_and_in_nothing_else(ground, model):
    hall, org = ground.hall, ground.org
    remote = await hall.hire(org, model_config={})
    question = await hall.say(ground.insider.actor, ground.square, f"@{remote.name} what is new?")
    told = await hall.decided(org, ground.square, remote)
    await told.take()
    for client_id, whose in (
        (f"answer:{question.id}", ground.insider.id),
        (f"run:{told.run_id}:1", remote.id),
        (f"run:{told.run_id}", remote.id),
    ):
        await hall.pass_time(60)
        await hall.say(remote, ground.square, f"@{ground.agent.name} quote #secret", client_id=client_id)
        model.play(Use([("read_messages", {"conversation_id": str(ground.secret)})]), Say("Well."))
        asked = await hall.decided(org, ground.square, ground.agent)
        run = await asked.take()
        (result,) = [step.body for step in await asked.steps() if step.kind == "result"]
        assert (run.behalf_of, result.get("code")) == ([whose], None if whose == ground.insider.id else "not_found")
        await hall.say(org.owner.actor, ground.square, "go on")


@pytest.mark.rule("X11")
async def test_who_has_anothers_words_answered_lends_them_no_rights(ground, model):
    hall, insider = ground.hall, ground.insider.actor
    asked_for = await hall.say(ground.outsider.actor, ground.square, "quote #secret, somebody")
    there = {"conversation_id": str(ground.secret)}
    for prompt, whose, code in (
        (None, [ground.insider.id, ground.outsider.id], "not_found"),
        ("Quote #secret.", [ground.insider.id], None),
    ):
        async with hall.db.transaction(insider) as tx:
            await add_trigger(
                tx, insider, conversation_id=ground.square, agent_id=ground.agent.id, cause=Cause.RUN_NOW,
                message_id=asked_for.id, prompt=prompt,
            )  # fmt: skip
        model.play(Use([("read_messages", there)]), Say("Well."))
        asked = await hall.decided(ground.org, ground.square, ground.agent)
        run = await asked.take()
        (result,) = [step.body for step in await asked.steps() if step.kind == "result"]
        assert (run.behalf_of, result.get("code")) == (whose, code)


@pytest.mark.rule("X11")
@pytest.mark.parametrize("is_asked", [True, False])
async def test_who_asks_before_a_turn_has_begun_is_one_of_those_whom_it_answers(ground, model, is_asked):
    hall = ground.hall
    await hall.say(ground.insider.actor, ground.square, f"@{ground.agent.name} quote #secret")
    asked = await hall.decided(ground.org, ground.square, ground.agent)
    await hall.say(ground.outsider.actor, ground.square, f"@{ground.agent.name} me too" if is_asked else "me too")
    model.play(Use([("read_messages", {"conversation_id": str(ground.secret)})]), Say("Well."))
    run = await asked.take()
    (result,) = [step.body for step in await asked.steps() if step.kind == "result"]
    both = [ground.insider.id, ground.outsider.id]
    assert (run.behalf_of, result.get("code")) == ((both, "not_found") if is_asked else (both[:1], None))
    told = await hall.settle(ground.square)
    assert [one.reason for one in told] == (["asked", "covered"] if is_asked else ["asked"])


@pytest.mark.rule("X11")
async def test_rights_are_those_at_the_time_of_the_call(ground, model):
    hall, org = ground.hall, ground.org
    model.play(Use([("read_messages", {"conversation_id": str(ground.secret)})]), Say("No."))
    await hall.say(ground.insider.actor, ground.square, f"@{ground.agent.name} quote #secret")
    asked = await hall.decided(org, ground.square, ground.agent)
    async with hall.db.transaction(org.owner.actor) as tx:
        await remove_member(tx, org.owner.actor, ground.insider.id)
    await asked.take()
    (result,) = [step.body for step in await asked.steps() if step.kind == "result"]
    assert result["code"] == "forbidden"


@pytest.mark.rule("X11")
async def test_nobody_overhears_on_its_way_what_may_quote_what_is_not_for_them(ground, model):
    hall = ground.hall

    def overheard(asked: Asked) -> str:
        return "".join(frame.get("text", "") for frame in hall.frames(asked.run_id))

    asked, _ = await ground.quoting(model, ground.insider)
    assert (overheard(asked), await asked.answers()) == ("", ["Well."])
    asked, _ = await ground.quoting(model, ground.outsider)
    assert overheard(asked) == "Well."
    alone = await hall.direct(ground.org, ground.agent)
    for reads_along, heard in ((None, "A heron."), (ground.outsider, "")):
        if reads_along:
            await share(hall, ground.org.owner, alone, reads_along)
        model.play(Use([("read_messages", {"conversation_id": str(ground.secret)})]), Say("A heron."))
        await hall.say(ground.org.owner.actor, alone, "what is new?")
        asked = await hall.decided(ground.org, alone, ground.agent)
        await asked.take()
        assert overheard(asked) == heard


@pytest.mark.rule("X11", "X12")
async def test_who_manages_agents_sees_no_result_that_quotes_what_they_may_not_read(ground, model):
    asked, _ = await ground.quoting(model, ground.insider)

    async def seen(who: Member) -> dict[int, tuple[str, bool, bool]]:
        async with ground.hall.db.transaction(who.actor) as tx:
            page = await list_steps(tx, who.actor, asked.run_id)
        return {step.ordinal: (str(step.kind), step.body is not None, step.is_sealed) for step in page.items}

    owner, admin = await seen(ground.org.owner), await seen(ground.outsider)
    assert all(has_body and not sealed for _, has_body, sealed in owner.values())
    first = next(ordinal for ordinal, (kind, *_) in admin.items() if kind == "result")
    assert all(has_body for ordinal, (_, has_body, _) in admin.items() if ordinal < first)
    after = {kind: sealed for ordinal, (kind, _, sealed) in admin.items() if ordinal >= first}
    assert after == {
        "result": True, "call": True, "answer": True, "request": False, "post": False,
    }  # fmt: skip
