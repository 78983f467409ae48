"""Having an agent take a turn about a message, from the page that says who was woken by it."""

from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.agents import list_agents
from crewhall.conversations import Verb, has_access
from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import go
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.runtime.lifecycle import RuntimeParts
from crewhall.runtime.schemas import TurnRequest
from crewhall.runtime.started import Task, await_start
from crewhall.runtime.triggers import add_trigger
from crewhall.runtime.vocabulary import Cause

Choices = list[tuple[object, str]]


async def agents_to_ask(tx: Tx, actor: Actor, conversation_id: UUID) -> Choices:
    """The agents that the actor may have take a turn there, as choices of a form; none where it may not write."""
    if not await has_access(tx, actor, conversation_id, Verb.POST):
        return []
    found = (await list_agents(tx, actor, limit=MAX_LIMIT)).items
    return [(one.id, f"{one.name} (@{one.code})") for one in found]


@post("/c/{conversation_id:uuid}/messages/{message_id:uuid}/turns")
async def run_now(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    conversation_id: FromPath[UUID],
    message_id: FromPath[UUID],
) -> Redirect:
    """Have an agent take a turn about a message, and go where it answers, or back with why it does not."""
    back = f"/c/{conversation_id}/decisions?message={message_id}"
    try:
        asked = (await read_form(request)).read(TurnRequest, "agent_id", message_id=message_id)
        async with services.db.transaction(actor) as tx:
            trigger_id = await add_trigger(
                tx, actor, conversation_id=conversation_id, agent_id=asked.agent_id, cause=Cause.RUN_NOW,
                message_id=message_id,
            )  # fmt: skip
    except CrewhallError as error:
        return go(back, error.detail)
    task = Task(conversation_id=conversation_id, agent_id=asked.agent_id, trigger_id=trigger_id, cause=Cause.RUN_NOW)
    started = await await_start(services.db, services.part(RuntimeParts).watch, actor, task)
    if started.run is not None:
        return go(f"/c/{conversation_id}", "It is at work.")
    return go(back, started.explanation or "Asked: it begins in a moment.")


PAGES = page_router([run_now])
