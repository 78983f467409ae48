"""What a borrowed agent is held to: what it thinks with follows the agent that it stands in for."""

from collections.abc import Collection
from uuid import UUID

from crewhall.kernel.db import Tx
from crewhall.kernel.errors import define_error

BORROWED_AGENT = define_error("borrowed_agent", 409, "Lent by another organization")
FOLLOWED = (
    "description", "role_title", "instructions", "icon_url", "kind", "model_config", "tools", "embedding_model",
    "rag_enabled", "capabilities", "visibility", "version",
)  # fmt: skip
"""What a stand-in has from the agent that is lent. The rest (name, code, standing, owner, hours) is the borrower's."""


async def is_borrowed(tx: Tx, agent_id: UUID) -> bool:
    """Whether an agent stands in for one that another organization lends."""
    found = "select exists (select from agent_grants where borrowed_agent_id = %(id)s and ended_at is null)"
    return bool(await tx.value(found, {"id": agent_id}))


async def check_not_followed(tx: Tx, agent_id: UUID, changed: Collection[str]) -> None:
    """Raise BORROWED_AGENT for a change of what follows the lender's agent."""
    followed = set(changed) & set(FOLLOWED)
    fields = sorted(followed - {"version"} or followed)  # the version rises by itself
    if fields and await is_borrowed(tx, agent_id):
        raise BORROWED_AGENT(
            f"The organization that lends this agent settles its {', '.join(fields).replace('_', ' ')}. Change the "
            "grant's visibility or config instead.",
            fields=fields,
        )


async def check_own(tx: Tx, agent_id: UUID) -> None:
    """Raise BORROWED_AGENT for an agent that is not the organization's own to copy or to lend."""
    if await is_borrowed(tx, agent_id):
        raise BORROWED_AGENT("This agent is lent by another organization. Only that one forks it or lends it.")
