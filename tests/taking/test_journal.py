"""The journal: one attempt at a time writes; what is recorded is not done again."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.actor import system_actor
from crewhall.kernel.errors import CrewhallError
from crewhall.runtime.executor import MOST_ATTEMPTS
from crewhall.runtime.journal import open_journal
from crewhall.runtime.runs import FENCED, claim_run, end_run
from crewhall.runtime.storable import as_json, storable
from crewhall.runtime.vocabulary import RunStatus, StepKind
from tests.support.openai import Say, Use


async def claimed(hall, asked):
    async with hall.db.transaction(system_actor(asked.org.id)) as tx:
        run = await claim_run(tx, asked.run_id)
        assert run is not None
        return await open_journal(hall.db, tx, run)


@pytest.mark.rule("X3")
async def test_who_was_taken_over_from_writes_nothing_more(hall, org):
    asked = await hall.ask(org)
    first = await claimed(hall, asked)
    await first.write(StepKind.CONTEXT, {"lines": []})
    second = await claimed(hall, asked)
    assert [step.kind for step in second.steps] == ["context"]
    with pytest.raises(CrewhallError) as error:
        await first.write(StepKind.REQUEST, {}, key="1")
    assert error.value.kind is FENCED
    with pytest.raises(CrewhallError) as error:
        async with hall.db.transaction(system_actor(org.id)) as tx:
            await end_run(tx, first.run, RunStatus.SUCCEEDED, "answered")
    assert error.value.kind is FENCED
    await second.write(StepKind.REQUEST, {}, key="1")
    assert await asked.kinds() == ["context", "request"]
    assert (await asked.run()).status == "running"


@pytest.mark.rule("X3")
async def test_a_write_under_way_is_seen_by_who_takes_over_or_refused(hall, org):
    """Whichever comes first: the row's lock puts the two in order."""
    for _ in range(10):
        asked = await hall.ask(org)
        first = await claimed(hall, asked)
        writing = asyncio.create_task(first.write(StepKind.CONTEXT, {}))
        second = await claimed(hall, asked)
        await asyncio.wait({writing})
        error = writing.exception()
        refused = isinstance(error, CrewhallError) and error.kind is FENCED
        assert refused or error is None
        assert [step.kind for step in second.steps] == ([] if refused else ["context"])
        assert len(await asked.steps()) == len(second.steps)


async def test_a_run_is_taken_by_two_and_answered_by_one(hall, org, model):
    model.play(*[Say("once")] * 4)
    asked = await hall.ask(org)
    await asyncio.gather(*[asked.take() for _ in range(2)])
    assert await asked.answers() == ["once"]
    assert (await asked.run()).reason == "answered"


@pytest.mark.rule("X3")
async def test_a_call_whose_outcome_is_unknown_is_made_again_where_that_does_no_harm(hall, org, model):
    asked = await hall.ask(org, tools=["weather"])
    model.play(Use([("weather", {"city": "Rome"})]), Say("done"))
    await asked.take()
    await asked.break_off(behind=3)
    model.play(Say("done"))
    assert (await asked.take()).reason == "answered"
    kinds = ["context", "request", "answer", "call", "call", "result", "request", "answer", "post"]
    assert await asked.kinds() == kinds


@pytest.mark.rule("X3")
async def test_a_turn_that_breaks_off_whoever_takes_it_is_given_up(hall, org, model):
    model.play(Say("never said"))
    asked = await hall.ask(org)
    async with hall.everything() as connection:  # as if as many processes had died of it
        await connection.execute(
            "update runs set status = 'running', attempt = %(most)s where id = %(id)s",
            {"id": asked.run_id, "most": MOST_ATTEMPTS},
        )
    run = await asked.take()
    assert (run.status, run.reason) == ("failed", "crashed")
    assert await asked.answers() == []
    (notice,) = await asked.notices()
    assert "broke off" in notice


async def test_a_journal_that_tells_another_story_stops_the_run(hall, org, model):
    model.play(Use([("weather", {"city": "Rome"})]), Say("done"))
    asked = await hall.ask(org, tools=["weather"])
    await asked.take()
    async with hall.everything() as connection:
        await connection.execute(
            """update runs set status = 'running', completed_at = null where id = %(id)s""", {"id": asked.run_id}
        )
        await connection.execute(
            """update run_steps set body = jsonb_set(body, '{lines,0,content}', '"something else"')
               where run_id = %(id)s and kind = 'context'""",
            {"id": asked.run_id},
        )
    run = await asked.take()
    assert (run.status, run.reason) == ("stopped", "diverged")


@pytest.mark.rule("E5")
async def test_steps_and_decisions_are_never_changed(hall, org, model):
    model.play(Say("done"))
    asked = await hall.ask(org)
    await asked.take()
    for table in ("run_steps", "turn_decisions"):
        for change in (f"update {table} set org_id = org_id", f"delete from {table}"):
            with pytest.raises(Exception, match="denied"):
                async with hall.db.transaction(org.owner.actor) as tx:
                    await tx.run(change)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_said_can_be_stored(value):
    import msgspec

    text = msgspec.json.encode(storable(value)).decode()
    assert "\\u0000" not in text.replace("\\\\", "")
    assert msgspec.json.decode(as_json(value)) == storable(value)
