"""What a borrowed agent is held to: what it thinks with follows the agent that it stands in for."""

from collections.abc import Collection
from uuid import UUID

import msgspec

from crewhall.agents.persona import Persona, changed_columns
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import define_error

BORROWED_AGENT = define_error("borrowed_agent", 409, "Lent by another organization")
FOLLOWED = (
    "description", "role_title", "instructions", "icon_url", "kind", "model_config", "tools", "embedding_model",
    "rag_enabled", "capabilities", "visibility", "version",
)  # fmt: skip
"""What a stand-in has from the agent that is lent. The rest (name, code, standing, owner, hours) is the borrower's."""


OF_SERVERS = "mcp-"
"""How tools of an organization's own tool servers are named: these stay with it, a borrower adds its own."""


async def is_borrowed(tx: Tx, agent_id: UUID) -> bool:
    """Whether an agent stands in for one that another organization lends."""
    found = "select exists (select from agent_grants where borrowed_agent_id = %(id)s and ended_at is null)"
    return bool(await tx.value(found, {"id": agent_id}))


async def hold_to_lender(tx: Tx, agent_id: UUID, before: Persona, after: Persona, *, names: Collection[str]) -> Persona:
    """Return what an agent becomes: a stand-in has whatever tools of its own servers it is given, and its version.

    `names`: what was given; a version that was not rises by itself. Raises BORROWED_AGENT for a change of what follows
    the lender's agent.
    """
    followed = set(changed_columns(before, after)) & set(FOLLOWED) & set(names)
    if not followed or not await is_borrowed(tx, agent_id):
        return after
    lent = lent_tools(before.tools)
    if "tools" in followed and lent_tools(after.tools) == lent:
        followed.remove("tools")
    if fields := sorted(followed):
        also = f" Of its tools, those of your own tool servers are yours to add to {', '.join(lent) or 'none'}."
        raise BORROWED_AGENT(
            f"The organization that lends this agent settles its {', '.join(fields).replace('_', ' ')}. Change the "
            f"grant's visibility or config instead.{also if 'tools' in fields else ''}",
            fields=fields,
        )
    return msgspec.structs.replace(after, version=before.version)


def lent_tools(tools: list[str]) -> list[str]:
    """Those of an agent's tools that go along when it is lent."""
    return [name for name in tools if not name.startswith(OF_SERVERS)]


async def check_own(tx: Tx, agent_id: UUID) -> None:
    """Raise BORROWED_AGENT for an agent that is not the organization's own to copy or to lend."""
    if await is_borrowed(tx, agent_id):
        raise BORROWED_AGENT("This agent is lent by another organization. Only that one forks it or lends it.")
