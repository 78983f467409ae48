"""Who decides about a post reads where it would stand, by the name that they may know."""

import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.runtime.approval_queries import get_approval
from crewhall.runtime.approvals import approve
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from crewhall.runtime.tools import TOOLS
from tests.support.openai import Say, Use
from tests.taking.deciding import decide, waiting


async def test_who_decides_reads_where_it_would_stand(hall, org, model):
    await ask_about_posts(hall, org)
    asked = await hall.ask(org, tools=["post_message"])
    model.play(Use([("post_message", {"conversation_id": str(asked.circle), "content": "Hello"})]))
    assert (await asked.take()).status == "waiting"
    (approval,) = await waiting(asked)
    admin = (await org.add("admin")).actor
    assert (await decide(asked, get_approval, approval.id)).effect == "Posts this message. Where: Circle."
    seen = await decide(asked, get_approval, approval.id, who=admin)
    assert seen.effect == "Posts this message. Where: a conversation that you are not in."


async def test_nobody_is_asked_about_a_post_that_cannot_be_made(hall, org, model):
    await ask_about_posts(hall, org)
    asked = await hall.ask(org, tools=["post_message"])
    beyond = await hall.ask(org, tools=["post_message"])  # another agent's, and another one's conversation
    model.play(
        Use([("post_message", {"conversation_id": str(new_id()), "content": "Hello"})]),
        Use([("post_message", {"conversation_id": str(beyond.circle), "content": "Hello"})]),
        Say("I could not."),
    )
    await asked.take()
    assert await waiting(asked) == []
    steps = await hall.rows(dict, "select body from run_steps where run_id = %(id)s order by ordinal", id=asked.run_id)
    assert str(steps).count("This was refused: There is no such conversation, or it is not shared with you.") == 2
    model.play(Use([("post_message", {"conversation_id": str(beyond.circle), "content": "Hello"})]))
    assert (await beyond.take()).status == "waiting"
    (approval,) = await waiting(beyond)
    admin = (await org.add("admin")).actor
    nowhere = {"conversation_id": str(new_id()), "content": "Hello"}
    with pytest.raises(CrewhallError, match="There is no such conversation"):
        await decide(beyond, approve, approval.id, TOOLS, arguments=nowhere, who=admin)
    changed = {"conversation_id": str(beyond.circle), "content": "Hello there"}
    assert (await decide(beyond, approve, approval.id, TOOLS, arguments=changed, who=admin)).status == "approved"


async def ask_about_posts(hall, org) -> None:
    """The organization wants to be asked about every post."""
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"post_message": Verdict.ASK}))
