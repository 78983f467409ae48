"""The agents that an organization starts with: they need no model, so that a newcomer sees life at once."""

from crewhall.agents import (
    AgentInput,
    QuickTaskInput,
    access_agent,
    add_quick_task,
    create_agent,
    delete_agent,
    find_agents_by_codes,
)
from crewhall.identity.events import InstallationSeeded, OrganizationFounded, OrganizationGivenUp
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx

GUIDE = AgentInput(
    name="Guide",
    code="guide",
    role_title="Guide",
    description="Answers how Crewhall works, from its handbook. Mention it, or write to it.",
    instructions="You answer questions about Crewhall from its handbook, with links.",
    model_config={"provider": "crewhall", "model": "guide"},
    capabilities=["help"],
)
LIBRARIAN = AgentInput(
    name="Librarian",
    code="librarian",
    role_title="Librarian",
    description="Quotes what files, sources and the wiki say about a question, with its sources. Mention it, or write.",
    instructions="You answer from the organization's documents, and cite them.",
    model_config={"provider": "crewhall", "model": "librarian"},
    capabilities=["answers"],
)
SCRIBE = AgentInput(
    name="Scribe",
    code="scribe",
    role_title="Scribe",
    description="Digests a conversation: who said what, what is open, what was decided. Mention it where you want one.",
    instructions="You digest the conversation that you are asked in.",
    model_config={"provider": "crewhall", "model": "scribe"},
    capabilities=["digests"],
)
FIRST = (GUIDE, LIBRARIAN, SCRIBE)
TASKS = {
    "guide": [
        QuickTaskInput(icon="👋", title="What is this?", prompt="What are conversations, agents and turns?"),
        QuickTaskInput(icon="🤝", title="Invite people", prompt="How do I invite people?"),
        QuickTaskInput(icon="🤖", title="Connect an agent", prompt="How do I connect an agent of mine?"),
        QuickTaskInput(icon="⏰", title="Work by the clock", prompt="How do I give an agent a schedule?"),
    ],
    "librarian": [],
    "scribe": [QuickTaskInput(icon="📝", title="Digest", prompt="Digest what was said here.")],
}
"""What they are often asked."""


async def hire_first_agents(tx: Tx, founder: Actor, _event: InstallationSeeded | OrganizationFounded) -> None:
    """Give a new organization its guide, librarian and scribe, in the transaction that makes it, never twice."""
    there = await find_agents_by_codes(tx, list(TASKS))
    for agent in FIRST:
        if agent.code not in there:
            made = await create_agent(tx, founder, agent)
            for task in TASKS[made.code]:
                await add_quick_task(tx, founder, made.id, task)


async def dismiss_first_agents(tx: Tx, owner: Actor, _event: OrganizationGivenUp) -> None:
    """Delete them with their organization, unless somebody made agents of another kind of them."""
    there = await find_agents_by_codes(tx, list(TASKS))
    for agent in FIRST:
        if agent.code in there:
            found = await access_agent(tx, owner, there[agent.code].id)
            if found.model_config == agent.model_config:
                await delete_agent(tx, owner, found.id)
