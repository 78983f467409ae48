"""Calls that wait for a person, as their day shows them."""

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.runtime.approval_queries import list_approvals
from crewhall.runtime.vocabulary import ApprovalStatus
from crewhall.work import WaitingCall

MOST_LOOKED_AT = 50
"""Among those that wait are some that the person asked for, and others decide about."""


async def find_waiting(tx: Tx, actor: Actor, most: int) -> list[WaitingCall]:
    """The calls that the actor decides about, the newest first."""
    page = await list_approvals(tx, actor, status=ApprovalStatus.WAITING, limit=MOST_LOOKED_AT)
    return [
        WaitingCall(id=one.id, agent=one.agent.name, tool=one.tool, effect=one.effect, expires_at=one.expires_at)
        for one in page.items
        if one.may_decide
    ][:most]
