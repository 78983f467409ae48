"""Pages of approvals: the inbox, one of them whole, and what agents' tools may do."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, provide_count, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import FORBIDDEN, INVALID, CrewhallError
from crewhall.kernel.place_names import place_name
from crewhall.kernel.tools import Risk
from crewhall.runtime import approval_queries, approval_standings, approvals
from crewhall.runtime.explanations import CAUSES
from crewhall.runtime.judging import RiskRule, ToolPolicy, Verdict
from crewhall.runtime.schemas_approvals import ApprovalView, RefusalInput
from crewhall.runtime.tool_policies import get_tool_policy, read_tool_policy, set_tool_policy
from crewhall.runtime.tools import TOOLS
from crewhall.runtime.vocabulary import ApprovalStatus

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
TONES = {
    ApprovalStatus.WAITING: "brass",
    ApprovalStatus.APPROVED: "accent",
    ApprovalStatus.REFUSED: "danger",
    ApprovalStatus.EXPIRED: "danger",
}
RISK_TONES = {Risk.READ: "accent", Risk.WRITE: "sky", Risk.OUTSIDE: "brass", Risk.DESTRUCTIVE: "danger"}
RISKS = (Risk.WRITE, Risk.OUTSIDE, Risk.DESTRUCTIVE)
VERDICTS = (("", "By its risk"), *((str(one), str(one).capitalize()) for one in Verdict))


class ShownApproval(msgspec.Struct):
    """An approval as its card shows it. `form` holds what was typed and refused."""

    one: ApprovalView
    where: str | None
    cause: str
    arguments: str
    approved: str | None
    tone: str
    risk_tone: str
    form: Form


def _pretty(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, indent=2, ensure_ascii=False)


def _shown(one: ApprovalView, form: Form | None = None) -> ShownApproval:
    return ShownApproval(
        one=one,
        where=place_name(one.conversation) if one.conversation else None,
        cause=CAUSES[one.cause].format(agent=one.agent.name),
        arguments=_pretty(one.arguments),
        approved=None if one.approved_arguments is None else _pretty(one.approved_arguments),
        tone=TONES.get(one.status, ""),
        risk_tone=RISK_TONES[one.risk],
        form=form or Form(),
    )


@get("/approvals")
async def show_approvals(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    status: FromQuery[ApprovalStatus | None] = None,
    after: FromQuery[str | None] = None,
) -> Page:
    """What agents ask for: what waits, or what was decided."""
    only = status or ApprovalStatus.WAITING
    async with services.db.transaction(actor) as tx:
        page = await approval_queries.list_approvals(tx, actor, status=only, after=after, limit=20)
    return await render_in_hall(
        "approvals.html",
        request,
        services,
        actor,
        shown=[_shown(one) for one in page.items],
        next=page.next,
        only=only,
        statuses=list(ApprovalStatus),
        now=datetime.now(UTC),
        may_settle=is_allowed(actor, Permission.ORGANIZATION_UPDATE),
    )


@get("/approvals/{approval_id:uuid}")
async def show_approval(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], approval_id: FromPath[UUID]
) -> Page:
    """One of them; for who neither asked nor decides, but reads where it was asked, how it stands."""
    try:
        return await _one(request, services, actor, approval_id)
    except CrewhallError as error:
        if error.kind is not FORBIDDEN:
            raise
        async with services.db.transaction(actor) as tx:
            found = await approval_standings.find_standing(tx, actor, approval_id)
        if found is None:
            raise
    return await render_in_hall(
        "approval_standing.html", request, services, actor, standing=found, tone=TONES.get(found.status, "")
    )


async def _one(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    approval_id: UUID,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        found = await approval_queries.get_approval(tx, actor, approval_id)
    return await render_in_hall(
        "approval.html", request, services, actor, status=status, approval=_shown(found, form), now=datetime.now(UTC)
    )


@post("/approvals/{approval_id:uuid}/approve")
async def approve_call(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], approval_id: FromPath[UUID]
) -> Page:
    """Approve it, with other arguments where they were changed."""
    form = await read_form(request)
    try:
        arguments = _read(form.v("arguments")) if "arguments" in form.values else None
        async with services.db.transaction(actor) as tx:
            done = await approvals.approve(tx, actor, approval_id, TOOLS, arguments=arguments)
    except CrewhallError as error:
        form.refuse(error)
        return await _one(request, services, actor, approval_id, form=form, status=error.kind.status)
    return go("/approvals", f"Approved: {done.tool} is used now.")


@post("/approvals/{approval_id:uuid}/refuse")
async def refuse_call(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor], approval_id: FromPath[UUID]
) -> Page:
    """Refuse it, and say why."""
    form = await read_form(request)
    try:
        reason = form.read(RefusalInput, "reason").reason
        async with services.db.transaction(actor) as tx:
            await approvals.refuse(tx, actor, approval_id, reason)
    except CrewhallError as error:
        form.refuse(error)
        return await _one(request, services, actor, approval_id, form=form, status=error.kind.status)
    return go("/approvals", "Refused: the agent reads why.")


def _read(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except ValueError as error:
        raise INVALID(f"This is no JSON: {error}.", field="arguments") from None
    if not isinstance(read, dict):
        raise INVALID("The arguments are a JSON object: { … }.", field="arguments")
    return read


# -- what tools may do


@get("/settings/tools")
async def show_tool_policy(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """What the tools of the organization's agents may do, for owners and admins."""
    return await _policy_page(request, services, actor)


@post("/settings/tools")
async def change_tool_policy(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Settle it."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            await set_tool_policy(tx, actor, _policy_of(form, await get_tool_policy(tx, actor)))
    except CrewhallError as error:
        form.refuse(error)
        return await _policy_page(request, services, actor, form=form, status=error.kind.status)
    return go("/settings/tools", "Saved. It holds from now on.")


async def _policy_page(
    request: AnyRequest, services: Services, actor: Actor, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    async with services.db.transaction(actor) as tx:
        policy = await read_tool_policy(tx, actor)
    return await render_in_hall(
        "settings_tools.html",
        request,
        services,
        actor,
        status=status,
        policy=policy,
        risks=[(str(risk), policy.rule_of(risk)) for risk in RISKS],
        tools=[(tool, str(policy.tools.get(tool.name, ""))) for tool in TOOLS.values()],
        verdicts=VERDICTS,
        form=form or Form(),
    )


def _policy_of(form: Form, before: ToolPolicy) -> ToolPolicy:
    """The policy as it was typed; tools that the form does not know keep what was settled."""
    rules = {str(risk): _rule_of(form, str(risk)) for risk in RISKS}
    tools: dict[str, Any] = {name: str(verdict) for name, verdict in before.tools.items() if name not in TOOLS}
    tools |= {name: form.v(f"tool:{name}") for name in TOOLS if form.v(f"tool:{name}")}
    hosts = [line.strip().lower() for line in form.v("hosts").splitlines() if line.strip()]
    try:
        return msgspec.convert({**msgspec.to_builtins(rules), "tools": tools, "hosts": hosts}, ToolPolicy)
    except msgspec.ValidationError as error:
        field = "hosts" if "hosts" in str(error) else None
        said = "Write hosts like api.example.org or *.example.org, one a line." if field else str(error)
        raise INVALID(said, field=field) from None


def _rule_of(form: Form, risk: str) -> RiskRule:
    try:
        allow = form.v(f"allow:{risk}").strip()
        typed = {"allow_from": float(allow) if allow else None, "ask_from": float(form.v(f"ask:{risk}") or 0)}
        return msgspec.convert(typed, RiskRule)
    except (ValueError, msgspec.ValidationError):
        raise INVALID("Trust is a number from 0 to 100.", field=f"ask:{risk}") from None


provide_count("approvals", approval_queries.COUNT, approval_queries.counting)
PAGES = page_router([
    show_approvals, show_approval, approve_call, refuse_call, show_tool_policy, change_tool_policy,
])  # fmt: skip
