"""Quick tasks as prompts: what an agent is often asked, for a client's own model. Nothing is posted."""

import mcp_types as types

from crewhall.agents import OfferedTask, get_offered_task, list_offered_tasks
from crewhall.kernel.tools import Caller

PAGE = 50


async def list_prompts(caller: Caller, cursor: str | None) -> types.ListPromptsResult:
    """A page of the quick tasks that the caller may give. Raises FORBIDDEN, INVALID (the cursor)."""
    async with caller.db.transaction(caller.actor) as tx:
        page = await list_offered_tasks(tx, caller.actor, after=cursor, limit=PAGE)
    shown = [types.Prompt(name=task.name, title=task.title, description=_told(task)) for task in page.items]
    return types.ListPromptsResult(prompts=shown, next_cursor=page.next)


async def get_prompt(caller: Caller, name: str) -> types.GetPromptResult:
    """What a quick task asks, as the words of whoever gives it.

    Raises NOT_FOUND, FORBIDDEN.
    """
    async with caller.db.transaction(caller.actor) as tx:
        task = await get_offered_task(tx, caller.actor, name)
    said = types.PromptMessage(role="user", content=types.TextContent(text=task.prompt))
    return types.GetPromptResult(description=_told(task), messages=[said])


def _told(task: OfferedTask) -> str:
    return f"{task.title}: a quick task of {task.agent_name} (@{task.code})."
