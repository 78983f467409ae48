"""Operations upon agents as colleagues: who may use them, and what there must be for that."""

import httpx

from crewhall.identity.permissions import Permission

READING = ("list_templates", "list_capabilities", "list_versions", "list_forks", "compare_with_parent")
LENDING = ("offer_agent", "list_grants", "show_grant", "change_grant", "end_grant")
RIGHTS: dict[str, Permission | frozenset[str]] = {
    **dict.fromkeys(READING, Permission.AGENTS_READ),
    **dict.fromkeys(LENDING, Permission.AGENTS_UPDATE),
}
ELSEWHERE = {"accept_grant": "of who has a code, and may create agents: tests/agents/test_lending.py"}


async def offer(owner: httpx.AsyncClient, agent_id: str) -> dict[str, str]:
    """Offer to lend an agent; returns what paths then name."""
    offered = (await owner.post(f"/agents/{agent_id}/grants", json={})).raise_for_status().json()
    return {"grant_id": offered["grant"]["id"]}
