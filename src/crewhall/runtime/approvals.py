"""Approvals: calls that wait for a person. Asked for by a turn, decided once, used once by the turn that asked.

Owners and admins decide, and the agent's owner: no agent, and nobody by having asked for the turn. A decision gives no
rights: the call is still made with those of the agent and of whoever it acts for.
"""

from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.identity import Permission, is_allowed
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType, system_actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.tools import Risk, Tool
from crewhall.notifications import NotificationKind, tell
from crewhall.runtime.offers import is_server_tool
from crewhall.runtime.runs import APPROVALS_CHANNEL, Run, go_on
from crewhall.runtime.vocabulary import ApprovalStatus

S = ApprovalStatus
ACTS = {S.APPROVED: "approval.approved", S.REFUSED: "approval.refused", S.EXPIRED: "approval.expired"}
"""What the audit log calls a decision."""


class Approval(msgspec.Struct, kw_only=True):
    """An approval as it is kept. `approved_arguments`: what was approved in place of what was asked."""

    id: UUID
    org_id: UUID
    run_id: UUID
    conversation_id: UUID
    agent_id: UUID
    key: str
    tool: str
    risk: Risk
    effect: str
    why: str
    arguments: dict[str, Any]
    approved_arguments: dict[str, Any] | None
    status: ApprovalStatus
    reason: str | None
    decided_by: UUID | None
    decided_at: datetime | None
    used_at: datetime | None
    expires_at: datetime
    created_at: datetime


class NewApproval(msgspec.Struct, kw_only=True):
    """What a turn asks for: the call under its key, what it would change, why it is asked about."""

    key: str
    tool: str
    risk: Risk
    effect: str
    why: str
    arguments: dict[str, Any]


_INSERT: LiteralString = """
insert into approvals (id, org_id, run_id, conversation_id, agent_id, key, tool, risk, effect, why, arguments,
                       expires_at)
values (%(id)s, %(org)s, %(run)s, %(conversation)s, %(agent)s, %(key)s, %(tool)s, %(risk)s, %(effect)s, %(why)s,
        %(arguments)s, now() + make_interval(secs => %(lasts_s)s))
returning *
"""
_DECIDE: LiteralString = """
update approvals set status = %(status)s, reason = %(reason)s, approved_arguments = %(arguments)s, decided_by = %(by)s,
       decided_at = now()
where id = %(id)s and status = 'waiting' and (expires_at > now() or %(status)s = 'expired')
returning *
"""


async def ask_approval(tx: Tx, run: Run, new: NewApproval, *, hours: float) -> Approval:
    """Keep what a turn asks for, until somebody decides or so many hours have passed."""
    asked = await tx.one(
        Approval,
        _INSERT,
        {
            **msgspec.structs.asdict(new),
            "id": new_id(),
            "org": run.org_id,
            "run": run.id,
            "conversation": run.conversation_id,
            "agent": run.agent_id,
            "risk": str(new.risk),
            "arguments": Jsonb(new.arguments),
            "lasts_s": hours * 3600,
        },
    )
    await _tell(tx, asked)
    await _tell_deciders(tx, asked)
    return asked


async def find_approval(tx: Tx, run_id: UUID, key: str) -> Approval | None:
    """Return what a run asked for under a call's key."""
    return await tx.find(
        Approval, "select * from approvals where run_id = %(run)s and key = %(key)s", {"run": run_id, "key": key}
    )


async def use_approval(tx: Tx, approval: Approval) -> None:
    """Take note that its run goes on with the decision. Once: a second time is an error, whoever tries."""
    if not await tx.run(
        "update approvals set used_at = now() where id = %(id)s and used_at is null and status = %(status)s",
        {"id": approval.id, "status": str(approval.status)},
    ):
        raise CONFLICT("This decision has been used already.", approval_id=approval.id)


async def void_approval(tx: Tx, run_id: UUID, key: str) -> None:
    """Close what a run asked for whatever was decided: by now the policy refuses it, or it cannot be read."""
    await tx.run(
        """
        update approvals set used_at = coalesce(used_at, now()), decided_at = coalesce(decided_at, now()),
            status = case status when 'waiting' then 'canceled' else status end
        where run_id = %(run)s and key = %(key)s
        """,
        {"run": run_id, "key": key},
    )


async def approve(
    tx: Tx, actor: Actor, approval_id: UUID, tools: dict[str, Tool], *, arguments: dict[str, Any] | None = None
) -> Approval:
    """Let the call be made, with other arguments if given; they must be what the tool takes, and can be made.

    Raises NOT_FOUND, FORBIDDEN, INVALID, CONFLICT (it was decided, expired or closed before).
    """
    found = await access_approval(tx, actor, approval_id, to_decide=True)
    if arguments is not None and arguments != found.arguments:
        await check_arguments(tx, actor, tools, found.tool, arguments)
    else:
        arguments = None
    return await _decide(tx, actor, found, S.APPROVED, arguments=arguments)


async def refuse(tx: Tx, actor: Actor, approval_id: UUID, reason: str) -> Approval:
    """Refuse the call: its agent reads the reason as the call's result. Raises as `approve`."""
    found = await access_approval(tx, actor, approval_id, to_decide=True)
    return await _decide(tx, actor, found, S.REFUSED, reason=reason)


async def expire(tx: Tx, org_id: UUID, approval_id: UUID) -> bool:
    """Count the call as refused since nobody decided in time; tells whether it still waited."""
    system = system_actor(org_id)
    found = await tx.find(
        Approval,
        "select * from approvals where id = %(id)s and status = 'waiting' and expires_at <= now()",
        {"id": approval_id},
    )
    if found is None:
        return False
    try:
        await _decide(tx, system, found, S.EXPIRED, reason="expired")
    except CrewhallError as error:
        if error.kind is not CONFLICT:
            raise
        return False
    return True


async def access_approval(tx: Tx, actor: Actor, approval_id: UUID, *, to_decide: bool = False) -> Approval:
    """Return an approval that the actor may see (or decide, if asked). Raises NOT_FOUND, FORBIDDEN.

    That there is one is no secret: the conversation was told. What is in it is.
    """
    found = await tx.find(
        Approval,
        "select * from approvals where id = %(id)s and org_id = any (current_orgs())",
        {"id": approval_id},
    )
    if found is None:
        raise _absent()
    may_decide = await may_decide_for(tx, actor, found.agent_id)
    if may_decide or (not to_decide and await _has_asked(tx, actor, found.run_id)):
        return found
    raise FORBIDDEN(
        "Owners and admins decide about this, and the agent's owner. Ask one of them.",
        permission=str(Permission.APPROVALS_DECIDE),
    )


async def may_decide_for(tx: Tx, actor: Actor, agent_id: UUID) -> bool:
    """Whether the actor decides about what an agent asks for: people alone, by role or as its owner."""
    if actor.type is not ActorType.USER or actor.role is None:
        return False
    if is_allowed(actor, Permission.APPROVALS_DECIDE):
        return True
    owner = await tx.value("select owner_user_id from agents where id = %(id)s", {"id": agent_id})
    return bool(owner == actor.id)


async def check_arguments(tx: Tx, actor: Actor, tools: dict[str, Tool], name: str, arguments: dict[str, Any]) -> None:
    """Refuse arguments that the tool does not take, or with which it cannot be used. Raises INVALID."""
    tool = tools.get(name)
    if tool is None and is_server_tool(name):
        return  # its server checks them
    if tool is None:
        raise INVALID(f"The tool {name} is no longer there: its arguments cannot be changed.", field="arguments")
    try:
        asked = msgspec.convert(arguments, tool.takes)
        if tool.check is not None:
            await tool.check(tx, actor, asked)
    except msgspec.ValidationError as error:
        raise INVALID(f"{name} does not take these arguments: {error}", field="arguments") from error
    except CrewhallError as error:
        raise INVALID(error.detail, field="arguments") from error


async def _decide(
    tx: Tx,
    actor: Actor,
    found: Approval,
    status: ApprovalStatus,
    *,
    arguments: dict[str, Any] | None = None,
    reason: str | None = None,
) -> Approval:
    """Decide, if nobody has: one of two wins, the other is told. The run goes on."""
    await tx.run("select from runs where id = %(id)s for update", {"id": found.run_id})
    decided = await tx.find(
        Approval,
        _DECIDE,
        {
            "id": found.id,
            "status": str(status),
            "reason": reason,
            "arguments": None if arguments is None else Jsonb(arguments),
            "by": actor.id if actor.type is ActorType.USER else None,
        },
    )
    if decided is None:
        raise await _too_late(tx, actor, found.id)
    details: dict[str, Any] = {"agent_id": str(found.agent_id), "tool": found.tool, "run_id": str(found.run_id)}
    if arguments is not None:
        details["changed"] = sorted({*arguments, *found.arguments})
    if reason is not None:
        details["reason"] = reason
    await audit.record(tx, actor, ACTS[status], "approval", found.id, details)
    await _tell(tx, decided)
    await go_on(tx, found.run_id)
    return decided


async def _too_late(tx: Tx, actor: Actor, approval_id: UUID) -> CrewhallError:
    now = await tx.one(Approval, "select * from approvals where id = %(id)s", {"id": approval_id})
    who = "You have" if now.decided_by == actor.id else "Somebody else has"
    said = {
        S.APPROVED: f"{who} approved this already.",
        S.REFUSED: f"{who} refused this already.",
        S.CANCELED: "Its turn has ended: there is nothing left to decide.",
    }
    return CONFLICT(said.get(now.status, "This has expired: it counts as refused."), standing=str(now.status))


async def _has_asked(tx: Tx, actor: Actor, run_id: UUID) -> bool:
    """Whether the turn is taken for the actor, a person."""
    return actor.type is ActorType.USER and bool(
        await tx.value(
            "select %(actor)s = any (behalf_of) from runs where id = %(run)s", {"run": run_id, "actor": actor.id}
        )
    )


async def _tell(tx: Tx, approval: Approval) -> None:
    await tx.notify(APPROVALS_CHANNEL, f"{approval.org_id} {approval.id} {approval.status}")


class _Agent(msgspec.Struct):
    name: str
    owner_user_id: UUID | None


async def _tell_deciders(tx: Tx, approval: Approval) -> None:
    """Tell who decides: owners, admins, the agent's owner. Once it is decided, the database takes that back."""
    agent = await tx.one(_Agent, "select name, owner_user_id from agents where id = %(id)s", {"id": approval.agent_id})
    deciders = await tx.values(
        """
        select user_id from memberships
        where org_id = %(org)s and (role in ('owner', 'admin') or user_id = %(owner)s) order by user_id
        """,
        {"org": approval.org_id, "owner": agent.owner_user_id},
    )
    await tell(
        tx,
        deciders,
        NotificationKind.APPROVAL,
        org_id=approval.org_id,
        actor_type=ActorType.AGENT,
        actor_id=approval.agent_id,
        actor_name=agent.name,
        subject_id=approval.id,
        detail=approval.tool,
    )


def _absent() -> CrewhallError:
    return NOT_FOUND("There is no such approval.")
