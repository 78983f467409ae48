"""Writes: an agent is created, changed, forked, deleted. Every act is audited, and told to whoever subscribes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from msgspec import UNSET
from psycopg.errors import ForeignKeyViolation, UniqueViolation

from crewhall.agents.access import access_agent, reload_agent
from crewhall.agents.borrowing import check_own, hold_to_lender
from crewhall.agents.codes import MEMBER_HAS_IT, check_code_apart, free_code
from crewhall.agents.events import AgentChanged, AgentCreated, AgentDeleted, AgentStatusChanged
from crewhall.agents.persona import Persona, changed_columns, columns_of, given, merge
from crewhall.agents.quick_tasks import copy_quick_tasks, quick_tasks_of
from crewhall.agents.schemas import AgentDetail, AgentInput, AgentPatch, ForkInput
from crewhall.agents.status import authenticates, check_transition
from crewhall.agents.templates import find_template
from crewhall.agents.trust import set_trust
from crewhall.agents.versions import KEPT, note_version
from crewhall.agents.vocabulary import AgentStatus
from crewhall.identity import Permission, check_permission
from crewhall.identity.events import MemberLeft
from crewhall.kernel import audit, events
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, INVALID
from crewhall.kernel.ids import new_id
from crewhall.kernel.verified import revoke

FIRST_STATUSES = frozenset({AgentStatus.ACTIVE, AgentStatus.PROBATION, AgentStatus.INACTIVE})

_INSERT: LiteralString = """
insert into agents (id, org_id, parent_agent_id, created_by, updated_by, code, name, description, role_title,
    instructions, icon_url, kind, level, project_id, status, public_key, github_login, model_config, tools,
    embedding_model, rag_enabled, capabilities, scheduling_config, visibility, owner_user_id, version, settings,
    metadata)
values (%(id)s, %(org)s, %(parent)s, %(actor)s, %(actor)s, %(code)s, %(name)s, %(description)s, %(role_title)s,
    %(instructions)s, %(icon_url)s, %(kind)s, %(level)s, %(project_id)s, %(status)s, %(public_key)s, %(github_login)s,
    %(model_config)s, %(tools)s, %(embedding_model)s, %(rag_enabled)s, %(capabilities)s, %(scheduling_config)s,
    %(visibility)s, %(owner_user_id)s, %(version)s, %(settings)s, %(metadata)s)
"""
_UPDATE: LiteralString = """
update agents set code = %(code)s, name = %(name)s, description = %(description)s, role_title = %(role_title)s,
    instructions = %(instructions)s, icon_url = %(icon_url)s, kind = %(kind)s, level = %(level)s,
    project_id = %(project_id)s, status = %(status)s, public_key = %(public_key)s, github_login = %(github_login)s,
    model_config = %(model_config)s, tools = %(tools)s, embedding_model = %(embedding_model)s,
    rag_enabled = %(rag_enabled)s, capabilities = %(capabilities)s, scheduling_config = %(scheduling_config)s,
    visibility = %(visibility)s, owner_user_id = %(owner_user_id)s, version = %(version)s, settings = %(settings)s,
    metadata = %(metadata)s, updated_by = %(actor)s
where id = %(id)s
"""


async def create_agent(tx: Tx, actor: Actor, data: AgentInput) -> AgentDetail:
    """Create an agent, from a template if one is named. Its code is made from its name unless given."""
    check_permission(actor, Permission.AGENTS_CREATE)
    base = await find_template(tx, data.template) if data.template else Persona()
    values = given(data)
    values.setdefault("owner_user_id", actor.id if actor.type is ActorType.USER else None)
    values.setdefault("version", base.version)
    return await insert_agent(tx, actor, merge(base, values))


async def fork_agent(tx: Tx, actor: Actor, agent_id: UUID, data: ForkInput) -> AgentDetail:
    """Copy an agent under a name of its own. The fork remembers its origin; keys, owner and standing are not copied."""
    origin = await access_agent(tx, actor, agent_id)
    check_permission(actor, Permission.AGENTS_CREATE)
    await check_own(tx, agent_id)
    copied = msgspec.structs.replace(
        persona_of(origin),
        name=data.name,
        code=data.code or "",
        status=AgentStatus.ACTIVE,
        public_key=None,
        github_login=None,
        owner_user_id=actor.id if actor.type is ActorType.USER else None,
    )
    made = await insert_agent(tx, actor, copied, parent=origin.id)
    await copy_quick_tasks(tx, actor, await quick_tasks_of(tx, origin.id), made.id)
    return made


async def update_agent(tx: Tx, actor: Actor, agent_id: UUID, data: AgentPatch) -> AgentDetail:
    """Change what was given. A change of status must be an allowed one (409); so must the expected version hold."""
    now = await access_agent(tx, actor, agent_id, "update", lock=True)
    before = persona_of(now)
    if data.expected_version not in {None, before.version}:
        raise CONFLICT(
            f"The agent is at version {before.version} by now. Load it again and repeat your change.",
            version=before.version,
        )
    trusts = data.trust_score is not UNSET and await set_trust(tx, actor, now, data.trust_score)
    values = given(data)
    after = await hold_to_lender(tx, agent_id, before, merge(before, values), names=values.keys())
    if changed := changed_columns(before, after):
        await change_agent(tx, actor, agent_id, before, after, changed)
    return await reload_agent(tx, agent_id) if changed or trusts else now


async def change_agent(
    tx: Tx, actor: Actor, agent_id: UUID, before: Persona, after: Persona, changed: list[str]
) -> None:
    """Write a changed persona, with all that follows. Raises CONFLICT, INVALID."""
    check_transition(before.status, after.status)
    if "code" in changed:
        await check_code_apart(tx, after.code)
    if "owner_user_id" in changed:
        await _check_owner(tx, after.owner_user_id)
    with _clear_conflicts():
        await tx.run(_UPDATE, {**columns_of(after), "id": agent_id, "actor": actor.id})
    if KEPT & set(changed):
        await note_version(tx, actor, agent_id, after)
    if changed != ["status"]:  # which is told as an act of its own
        await audit.record(tx, actor, "agent.updated", "agent", agent_id, {"code": after.code, "changed": changed})
    await _follow_change(tx, actor, agent_id, before, after)


async def delete_agent(tx: Tx, actor: Actor, agent_id: UUID) -> None:
    """Delete the agent softly: it leaves every list, its keys stop working, its topic retires."""
    agent = await access_agent(tx, actor, agent_id, "delete", lock=True)
    mark = {"id": agent_id, "actor": actor.id}
    await tx.run("update agents set deleted_at = now(), updated_by = %(actor)s where id = %(id)s", mark)
    await tx.run(
        """
        update agent_credentials set is_active = false, deleted_at = now(), updated_by = %(actor)s
        where agent_id = %(id)s and deleted_at is null
        """,
        mark,
    )
    await audit.record(tx, actor, "agent.deleted", "agent", agent_id, {"code": agent.code, "name": agent.name})
    await revoke(tx, f"agent:{agent_id}")
    await events.publish(tx, actor, AgentDeleted(agent_id=agent_id, org_id=actor.org))


async def serve_topic(tx: Tx, agent_id: UUID, topic: str | None) -> None:
    """Note the topic that the agent serves; None when it is retired."""
    await tx.run("update agents set topic = %(topic)s where id = %(id)s", {"id": agent_id, "topic": topic})


async def release_agents(tx: Tx, actor: Actor, event: MemberLeft) -> None:
    """Who left owns no agent of the organization any more; owners and admins keep them."""
    await tx.run(
        """
        update agents set owner_user_id = null, updated_by = %(actor)s
        where org_id = %(org)s and owner_user_id = %(user)s
        """,
        {"org": event.org_id, "user": event.user_id, "actor": actor.id},
    )


async def insert_agent(tx: Tx, actor: Actor, persona: Persona, parent: UUID | None = None) -> AgentDetail:
    """Make an agent of a checked persona, with a code from its name unless it has one. Raises INVALID, CONFLICT."""
    if not persona.name:
        raise INVALID("Give the agent a name.", field="name")
    if persona.status not in FIRST_STATUSES:
        raise INVALID(f"A new agent cannot be {persona.status}.", field="status")
    if persona.owner_user_id != actor.id:
        await _check_owner(tx, persona.owner_user_id)
    if persona.code:
        await check_code_apart(tx, persona.code)
    else:
        persona = msgspec.structs.replace(persona, code=await free_code(tx, persona.name))
    agent_id = new_id()
    with _clear_conflicts():
        row: dict[str, Any] = {"id": agent_id, "org": actor.org, "parent": parent, "actor": actor.id}
        await tx.run(_INSERT, {**columns_of(persona), **row})
    await note_version(tx, actor, agent_id, persona)
    details = {"code": persona.code, "name": persona.name} | ({"forked_from": str(parent)} if parent else {})
    await audit.record(tx, actor, "agent.created", "agent", agent_id, details)
    created = AgentCreated(
        agent_id=agent_id,
        org_id=actor.org,
        code=persona.code,
        name=persona.name,
        visibility=persona.visibility,
        status=persona.status,
        owner_user_id=persona.owner_user_id,
    )
    await events.publish(tx, actor, created)
    return await reload_agent(tx, agent_id)


async def _follow_change(tx: Tx, actor: Actor, agent_id: UUID, before: Persona, after: Persona) -> None:
    if before.status is not after.status:
        await tell_status(tx, actor, agent_id, after.code, before.status, after.status)
    # Verified keys remember the name; a standing that does not sign in must stop what is signed in.
    if before.name != after.name or not authenticates(after.status):
        await revoke(tx, f"agent:{agent_id}")
    changed = AgentChanged(agent_id=agent_id, org_id=actor.org, status_before=before.status)
    await events.publish(tx, actor, changed)


async def tell_status(
    tx: Tx, actor: Actor, agent_id: UUID, code: str, before: AgentStatus, after: AgentStatus, reason: str = ""
) -> None:
    """Note that the agent has another standing now, and let others follow."""
    change = {"code": code, "before": str(before), "after": str(after)}
    await audit.record(tx, actor, "agent.status_changed", "agent", agent_id, change)
    event = AgentStatusChanged(agent_id=agent_id, org_id=actor.org, before=before, after=after, reason=reason)
    await events.publish(tx, actor, event)


async def put_on_standing(
    tx: Tx, system: Actor, agent_id: UUID, code: str, before: AgentStatus, after: AgentStatus, reason: str
) -> None:
    """Give a locked agent the standing that a rule says, with all that follows; the system acts, and says why."""
    check_transition(before, after)
    await tx.run("update agents set status = %(status)s where id = %(id)s", {"status": str(after), "id": agent_id})
    await tell_status(tx, system, agent_id, code, before, after, reason)
    await events.publish(tx, system, AgentChanged(agent_id=agent_id, org_id=system.org, status_before=before))


async def _check_owner(tx: Tx, owner: UUID | None) -> None:
    member = "select exists (select from memberships where org_id = any (current_orgs()) and user_id = %(id)s)"
    if owner is not None and not await tx.value(member, {"id": owner}):
        raise INVALID("The owner must be a person of this organization.", field="owner_user_id")


def persona_of(agent: AgentDetail) -> Persona:
    """What people set about an agent."""
    return Persona(**{name: getattr(agent, name) for name in Persona.__struct_fields__})


@contextmanager
def _clear_conflicts() -> Iterator[None]:
    try:
        yield
    except UniqueViolation as error:
        known = {
            "agents_code_key": ("code", "Another agent has this code."),
            "agents_name_key": ("name", "Another agent has this name."),
            "agents_github_login_key": ("github_login", "Another agent is called so at GitHub."),
            "names_code": ("code", MEMBER_HAS_IT),
        }.get(error.diag.constraint_name or "")
        if known is None:
            raise
        raise CONFLICT(f"{known[1]} Choose another.", field=known[0]) from error
    except ForeignKeyViolation as error:
        if error.diag.constraint_name != "agents_project":
            raise
        raise INVALID("There is no such project.", field="project_id") from error
