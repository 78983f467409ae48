"""The page of one agent: its profile, its keys, what its managers set."""

import json
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.agents import actions, credentials
from crewhall.agents.access import access_agent
from crewhall.agents.catalog import Catalog
from crewhall.agents.credential_schemas import Credential, CredentialInput, RotationInput
from crewhall.agents.keys import make_key
from crewhall.agents.pages_directory import HANDLERS as DIRECTORY
from crewhall.agents.pages_grants import HANDLERS as GRANTS
from crewhall.agents.pages_grants import borrowed_tools
from crewhall.agents.pages_tasks import HANDLERS as TASKS
from crewhall.agents.pages_thinking import read_thinking, thinking_of
from crewhall.agents.pages_versions import HANDLERS as VERSIONS
from crewhall.agents.profile import read_profile
from crewhall.agents.quick_tasks import list_quick_tasks
from crewhall.agents.schemas import AgentDetail, AgentPatch
from crewhall.agents.snippets import snippets_for
from crewhall.agents.spent import Spent
from crewhall.agents.states import AgentStateChange, get_state, set_state
from crewhall.agents.status import TRANSITIONS, answers
from crewhall.agents.vocabulary import Visibility
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import Permission, is_allowed
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
OVERLAP_S = 3600
"""How long the old key of a rotation from the page still works."""
VISIBILITIES = {
    Visibility.PUBLIC: "Everybody",
    Visibility.PRIVATE: "Its owner and admins",
    Visibility.HIDDEN: "The same, and in no list",
}


async def _agent_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    agent_id: UUID,
    *,
    form: Form | None = None,
    status: int = 200,
    new_key: str | None = None,
) -> Response[str]:
    keys: list[Credential] = []
    async with services.db.transaction(actor) as tx:
        agent = await access_agent(tx, actor, agent_id)
        owns = agent.owner_user_id == actor.id
        may_see_keys = owns or is_allowed(actor, Permission.AGENTS_CREDENTIALS)
        if may_see_keys:
            keys = (await credentials.list_credentials(tx, actor, agent_id, limit=MAX_LIMIT)).items
        memory = await get_state(tx, actor, agent_id)
        profile = await read_profile(tx, actor, agent)
        tasks = await list_quick_tasks(tx, actor, agent_id)
        used_up = await services.part(Spent).find(tx, [agent_id])
    catalog = await services.part(Catalog).within(actor.org)
    return await render_in_hall(
        "agent.html",
        request,
        services,
        actor,
        status=status,
        agent=agent,
        tasks=tasks,
        credentials=keys,
        new_key=new_key,
        snippets=snippets_for(agent.code, services.base_url, new_key),
        takes_turns=answers(agent.status),
        address=services.base_url,
        profile=profile,
        used_up=used_up,
        is_borrowed=profile.is_borrowed,
        borrowed_tools=borrowed_tools(agent, catalog),
        visibilities=VISIBILITIES,
        memory=memory,
        remembered=json.dumps(memory.state, indent=2, ensure_ascii=False),
        statuses=_statuses(agent),
        form=form or Form(),
        thinking=thinking_of(agent),
        catalog=catalog,
        may_see_credentials=may_see_keys,
        may_update=owns or is_allowed(actor, Permission.AGENTS_UPDATE),
        may_fork=is_allowed(actor, Permission.AGENTS_CREATE) and not profile.is_borrowed,
        may_trust=is_allowed(actor, Permission.AGENTS_UPDATE),
        may_delete=owns or is_allowed(actor, Permission.AGENTS_DELETE),
    )


def _statuses(agent: AgentDetail) -> list[tuple[str, str]]:
    return [(str(status), str(status).capitalize()) for status in (agent.status, *sorted(TRANSITIONS[agent.status]))]


@get("/agents/{agent_id:uuid}")
async def show_agent(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """One agent: who it is, how to connect it, its keys."""
    return await _agent_page(request, services, actor, agent_id)


@post("/agents/{agent_id:uuid}")
async def change_agent(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Change an agent's persona or standing."""
    form = await read_form(request)
    try:
        patch = form.read(AgentPatch, "name", "visibility", "status", "trust_score", **form.login())
        if "instructions" in form.values:  # a borrowed agent's form has no persona
            patch = _with_persona(patch, form)
        async with services.db.transaction(actor) as tx:
            agent = await actions.update_agent(tx, actor, agent_id, patch)
    except CrewhallError as error:
        form.refuse(error)
        return await _agent_page(request, services, actor, agent_id, form=form, status=error.kind.status)
    return go(f"/agents/{agent.id}", "Saved.")


def _with_persona(patch: AgentPatch, form: Form) -> AgentPatch:
    return msgspec.structs.replace(
        patch,
        capabilities=[word.strip() for word in form.v("capabilities").split(",") if word.strip()],
        role_title=form.v("role_title").strip(),
        description=form.v("description").strip() or None,
        instructions=form.v("instructions").strip() or None,
    )


@post("/agents/{agent_id:uuid}/thinking")
async def change_thinking(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Change an agent's model, tools and hours."""
    form = await read_form(request)
    tools = [name for name in (await request.form()).getall("tool", []) if isinstance(name, str)]
    try:
        async with services.db.transaction(actor) as tx:
            agent = await access_agent(tx, actor, agent_id, "update")
            await actions.update_agent(tx, actor, agent_id, read_thinking(form, tools, agent))
    except CrewhallError as error:
        form.refuse(error)
        return await _agent_page(request, services, actor, agent_id, form=form, status=error.kind.status)
    return go(f"/agents/{agent_id}", "Saved.")


@post("/agents/{agent_id:uuid}/forget")
async def forget(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Let an agent forget what it remembers of whoever looks, as they saw it: what it kept since is shown first."""
    form = await read_form(request)
    try:
        data = form.read(AgentStateChange, "version", state={})
        async with services.db.transaction(actor) as tx:
            await set_state(tx, actor, agent_id, data)
    except CrewhallError as error:
        form.refuse(error)
        return await _agent_page(request, services, actor, agent_id, form=form, status=error.kind.status)
    return go(f"/agents/{agent_id}#memory", "It remembers nothing of you any more.")


@post("/agents/{agent_id:uuid}/delete")
async def delete_agent(
    services: NamedDependency[Services], actor: NamedDependency[Actor], agent_id: FromPath[UUID]
) -> Redirect:
    """Delete an agent; its keys stop at once."""
    async with services.db.transaction(actor) as tx:
        await actions.delete_agent(tx, actor, agent_id)
    return go("/agents", "The agent is deleted.")


@post("/agents/{agent_id:uuid}/credentials")
async def make_credential(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
) -> Page:
    """Make a key, and show it this once."""
    data = (await read_form(request)).read(CredentialInput, "label")
    async with services.db.transaction(actor) as tx:
        await access_agent(tx, actor, agent_id, "credentials")
    key = await make_key()
    async with services.db.transaction(actor) as tx:
        made = await credentials.create_credential(tx, actor, agent_id, data, key)
    return await _agent_page(request, services, actor, agent_id, new_key=made.key, status=201)


@post("/agents/{agent_id:uuid}/credentials/{credential_id:uuid}/rotate")
async def rotate_credential(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    credential_id: FromPath[UUID],
) -> Page:
    """Put a new key in the place of one; the old one works for another hour."""
    async with services.db.transaction(actor) as tx:
        await credentials.access_credential(tx, actor, agent_id, credential_id, own=True)
    key = await make_key()
    rotation = RotationInput(overlap_seconds=OVERLAP_S)
    async with services.db.transaction(actor) as tx:
        made = await credentials.rotate_credential(tx, actor, agent_id, credential_id, rotation, key)
    return await _agent_page(request, services, actor, agent_id, new_key=made.key, status=201)


@post("/agents/{agent_id:uuid}/credentials/{credential_id:uuid}/revoke")
async def revoke_credential(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    agent_id: FromPath[UUID],
    credential_id: FromPath[UUID],
) -> Redirect:
    """Revoke a key; it stops within a second."""
    async with services.db.transaction(actor) as tx:
        await credentials.revoke_credential(tx, actor, agent_id, credential_id)
    return go(f"/agents/{agent_id}", "The key is revoked.")


PAGES = page_router(
    [
        *DIRECTORY,
        show_agent,
        change_agent,
        change_thinking,
        forget,
        delete_agent,
        make_credential,
        rotate_credential,
        revoke_credential,
        *TASKS,
        *VERSIONS,
        *GRANTS,
    ]
)
