"""Who decides about a post reads where it would stand, by the name that they may know."""

from crewhall.runtime.approval_queries import get_approval
from crewhall.runtime.judging import ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from tests.support.openai import Use
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


async def ask_about_posts(hall, org) -> None:
    """The organization wants to be asked about every post."""
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, ToolPolicy(tools={"post_message": Verdict.ASK}))
