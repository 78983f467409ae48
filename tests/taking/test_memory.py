"""What an agent keeps of each person: apart, and for no other's eyes."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from crewhall.agents.states import AgentStateChange, get_state, set_state
from crewhall.kernel.errors import CrewhallError
from crewhall.runtime.quotes import sealed_for
from crewhall.runtime.vocabulary import StepKind
from tests.identity.hall import Member
from tests.support.openai import Say, Use
from tests.taking.ground import share
from tests.taking.hall import Asked


@pytest.mark.rule("B9", "X11")
async def test_an_agent_remembers_of_each_person_apart(ground, model):
    hall, org = ground.hall, ground.org

    async def turn(who: Member, *uses: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        model.play(Use(list(uses)), Say("Ok."))
        await hall.say(who.actor, ground.square, f"@{ground.agent.name}")
        asked = await hall.decided(org, ground.square, ground.agent)
        await asked.take()
        return [step.body for step in await asked.steps() if step.kind == "result"]

    kept, stale = await turn(
        ground.insider, ("remember", {"changes": {"likes": "tea"}, "version": 0}),
        ("remember", {"changes": {"likes": "mud"}, "version": 0}),
    )  # fmt: skip
    assert (kept["result"]["state"], kept["result"]["version"]) == ({"likes": "tea"}, 1)
    assert (stale["result"]["is_stale"], stale["result"]["state"]) == (True, {"likes": "tea"})
    assert kept["persons"] == [str(ground.insider.id)]
    (other,) = await turn(ground.outsider, ("recall", {}))
    assert other["result"] == {"state": {}, "version": 0, "is_stale": False}
    async with hall.db.transaction(ground.insider.actor) as tx:
        mine = await get_state(tx, ground.insider.actor, ground.agent.id)
        assert (mine.state, mine.version) == ({"likes": "tea"}, 1)
        await set_state(tx, ground.insider.actor, ground.agent.id, AgentStateChange(state={}, version=1))
    async with hall.db.transaction(ground.insider.actor) as tx:
        with pytest.raises(CrewhallError) as late:
            await set_state(tx, ground.insider.actor, ground.agent.id, AgentStateChange(state={"x": 1}, version=1))
    assert (late.value.code, late.value.fields["version"]) == ("stale_state", 2)
    async with hall.db.transaction(ground.agent) as tx:
        with pytest.raises(CrewhallError) as alone:
            await get_state(tx, ground.agent, ground.agent.id)
    assert alone.value.code == "forbidden"


@pytest.mark.rule("B9", "X11")
async def test_an_agent_that_acts_for_several_remembers_nothing_of_either(ground):
    hall, first, second = ground.hall, ground.insider.actor, ground.outsider.actor
    async with hall.db.transaction(first) as tx:
        await set_state(tx, first, ground.agent.id, AgentStateChange(state={"likes": "tea"}, version=0))
    another = await hall.hire(ground.org)
    for behalf in ((first, second), (second, first), (first, another)):
        acting = msgspec.structs.replace(ground.agent, behalf=behalf)
        for act in (
            lambda tx, who: get_state(tx, who, ground.agent.id),
            lambda tx, who: set_state(tx, who, ground.agent.id, AgentStateChange(state={}, version=1)),
        ):
            async with hall.db.transaction(acting) as tx:
                with pytest.raises(CrewhallError) as refused:
                    await act(tx, acting)
            assert refused.value.code == "forbidden"
    alone = msgspec.structs.replace(ground.agent, behalf=(first,))
    async with hall.db.transaction(alone) as tx:
        assert (await get_state(tx, alone, ground.agent.id)).state == {"likes": "tea"}


@pytest.mark.rule("B9", "X12")
async def test_what_it_remembers_is_before_it_where_the_two_are_among_themselves(ground, model):
    hall, org, owner = ground.hall, ground.org, ground.org.owner
    async with hall.db.transaction(owner.actor) as tx:
        await set_state(tx, owner.actor, ground.agent.id, AgentStateChange(state={"likes": "elderberries"}, version=0))

    async def context(circle: UUID, text: str) -> tuple[Asked, str]:
        model.play(Say("Ok."))
        await hall.say(owner.actor, circle, text)
        asked = await hall.decided(org, circle, ground.agent)
        await asked.take()
        return asked, json.dumps([step.body for step in await asked.steps() if step.kind == "context"])

    alone = await hall.direct(org, ground.agent)
    asked, told = await context(alone, "what do I like?")
    assert "elderberries" in told
    assert "elderberries" in json.dumps(model.requests[-1])
    async with hall.db.transaction(owner.actor) as tx:
        assert (await sealed_for(tx, owner.actor, asked.run_id)).first is None
        other = await sealed_for(tx, ground.insider.actor, asked.run_id)
    assert other.covers(0, StepKind.CONTEXT)
    _, told = await context(ground.square, f"@{ground.agent.name} and here, where others read along?")
    assert "elderberries" not in told
    await share(hall, owner, alone, ground.insider)
    _, told = await context(alone, "and here, where somebody reads along?")
    assert "elderberries" not in told
    assert "reads along" in told
