"""Names in what Crewhall itself says: they are shown as they stand, and never become links or marks."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from crewhall.conversations import render_markdown
from crewhall.governance.schemas import BudgetAgent
from crewhall.governance.vocabulary import BudgetPeriod
from crewhall.governance.warnings import _Due, words
from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.runtime.canceling import cancel_run
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from tests.support.openai import Use
from tests.taking.deciding import ROME, decide
from tests.taking.hall import Asked

NAME = "[Click](https://evil.example) *x*"


async def told(asked: Asked) -> str:
    """What Crewhall told the conversation last, as HTML."""
    return render_markdown((await asked.notices())[-1])


async def test_the_name_of_an_agent_that_did_not_answer_is_no_markup(hall, org):
    asked = await hall.ask(
        org, name=NAME, model_config={"provider": "crewhall", "model": "[none](https://evil.example)"}
    )
    await asked.take()
    html = await told(asked)
    assert f"<strong>{NAME} did not answer.</strong>" in html
    assert "<a " not in html
    assert "[none](https://evil.example)" in html


@pytest.mark.rule("E4")
async def test_a_name_that_mentions_somebody_mentions_nobody(hall, org):
    helper = await hall.hire(org)
    member = await org.add("member")
    (who,) = await hall.rows(dict, "select handle from users where id = %(id)s", id=member.id)
    named = f"Robin @{helper.name} @{who['handle']}"
    asked = await hall.ask(org, name=named, model_config={"provider": "crewhall", "model": "none"})
    await asked.take()
    (told,) = await hall.rows(
        dict,
        "select html, mentions from message_records where conversation_id = %(id)s and author_type = 'system'",
        id=asked.circle,
    )
    assert f"<strong>{named} did not answer.</strong>" in told["html"]
    assert not told["mentions"]
    # Whoever says the same means it.
    said = await hall.say(org.owner.actor, asked.circle, f"{named} did not answer.")
    assert set(said.mentions) == {helper.id, member.id}


async def test_the_name_of_an_agent_that_waits_or_was_stopped_is_no_markup(hall, org, model):
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"weather": Verdict.ASK}))
    model.play(Use([("weather", ROME)]))
    asked = await hall.ask(org, name=NAME, tools=["weather"])
    await asked.take()
    waits = await told(asked)
    assert f"<strong>{NAME} asked</strong> to use <code>weather</code>. A person decides." in waits
    await decide(asked, cancel_run, asked.run_id)
    await asked.take()
    stopped = await told(asked)
    assert f"<strong>{NAME} was stopped</strong>" in stopped
    for html in (waits, stopped):
        assert html.count("<a ") == 1
        assert 'href="https://evil.example' not in html


async def test_names_and_words_in_a_digest_are_no_markup(hall, org):
    scribe = await hall.hire(org, model_config={"provider": "crewhall", "model": "scribe"})
    helper = await hall.hire(org)
    circle = await hall.group(org, scribe, helper)
    helper = replace(helper, name=f"{NAME} @{scribe.name}")
    await hall.say(helper, circle, "We agreed on <https://evil.example/a>. Who knows?")
    await hall.say(org.owner.actor, circle, f"@{scribe.name} digest please")
    asked = await hall.decided(org, circle, scribe)
    await asked.take()
    (answer,) = await asked.answers()
    html = render_markdown(answer, {scribe.name})
    assert html.count(NAME) == 4
    assert "@" not in html
    assert 'href="https://evil.example"' not in html


def test_the_name_in_a_warning_is_no_markup():
    now, agent = utc_now(), BudgetAgent(new_id(), "scout", NAME)
    due = _Due(
        budget_id=new_id(), begins_at=now, warned_at=now, period=BudgetPeriod.MONTH, agent=agent, is_here=False,
        conversation_id=None, money_limit=None, currency=None, token_limit=None, run_limit=1, spent_money=Decimal(0),
        spent_tokens=0, spent_runs=1,
    )  # fmt: skip
    html = render_markdown(words(due))
    assert NAME in html
    assert "<a " not in html
