"""Roles as a session found them: a snapshot of the agent's place and of those it works with; what changed since."""

from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx
from crewhall.work.timeline_schemas import Somebody

MOST_COLLEAGUES = 200


class Colleague(msgspec.Struct, frozen=True):
    """Somebody whom the agent works with: owners and admins, and who else works on its project."""

    type: str
    id: UUID
    role: str


class Roles(msgspec.Struct):
    """The snapshot: what the agent is, in words, and what its colleagues are."""

    own: dict[str, str] = {}
    colleagues: list[Colleague] = []


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What changed of somebody, as it is kept: without the name, which only some may know."""

    type: str
    id: UUID
    what: str
    before: str | None
    after: str | None


class _Own(msgspec.Struct):
    role: str | None
    level: str
    project: str | None
    standing: str
    visibility: str
    version: str
    owner: str | None


async def read_roles(tx: Tx, agent_id: UUID, project_id: UUID | None) -> Roles:
    """The roles as they are now, as far as the transaction's actor sees them."""
    own = await tx.one(
        _Own,
        """
        select a.role_title as role, a.level, p.name as project, a.status as standing, a.visibility,
               a.version, u.name as owner
        from agents a left join projects p on p.org_id = a.org_id and p.id = a.project_id
        left join users u on u.id = a.owner_user_id where a.org_id = any (current_orgs()) and a.id = %(agent)s
        """,
        {"agent": agent_id},
    )
    colleagues = await tx.all(
        Colleague,
        """
        select c.type, c.id, c.role from (
            select 'user' as type, m.user_id as id, m.role from memberships m
            where m.org_id = any (current_orgs()) and m.role in ('owner', 'admin')
            union all
            select 'agent', a.id, coalesce(a.role_title, 'agent') from agents a
            where a.org_id = any (current_orgs()) and a.project_id = %(project)s and a.id <> %(agent)s
              and a.deleted_at is null and may_see_agent(a)
            union all
            select w.member_type, w.member_id, 'works on the project' from project_members w
            where w.org_id = any (current_orgs()) and w.project_id = %(project)s and w.member_id <> %(agent)s
              and not exists (select from memberships m where m.org_id = w.org_id and m.user_id = w.member_id
                                and m.role in ('owner', 'admin'))
        ) c order by c.id limit %(most)s
        """,
        {"agent": agent_id, "project": project_id, "most": MOST_COLLEAGUES},
    )
    return Roles({name: value for name, value in msgspec.structs.asdict(own).items() if value}, colleagues)


def differences(before: Roles, now: Roles, agent_id: UUID) -> list[Changed]:
    """What changed between two snapshots, the agent's own place first. Of a cut snapshot nobody came or went."""
    changed = [
        Changed(type="agent", id=agent_id, what=name, before=before.own.get(name), after=now.own.get(name))
        for name in _Own.__struct_fields__
        if before.own.get(name) != now.own.get(name)
    ]
    were, are = ({(one.type, one.id): one.role for one in roles.colleagues} for roles in (before, now))
    is_cut = max(len(were), len(are)) >= MOST_COLLEAGUES
    for kind, who in sorted(were | are):
        then, since = were.get((kind, who)), are.get((kind, who))
        if then != since and not (is_cut and (then is None or since is None)):
            changed.append(Changed(type=kind, id=who, what="role", before=then, after=since))
    return changed


def named(changes: list[Changed], names: dict[UUID, Somebody]) -> list[tuple[Somebody, Changed]]:
    """The changes of whom the reader may know."""
    return [(names[one.id], one) for one in changes if one.id in names]
