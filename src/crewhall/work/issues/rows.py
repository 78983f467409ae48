"""What tasks and issues are read from: linked repositories, issues of the mirror, who is meant by a login."""

from typing import Any, LiteralString
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Struct, structs

from crewhall.conversations import MemberType
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Params, Tx
from crewhall.work.issues.told import Issue, Told
from crewhall.work.task_schemas import Assignee
from crewhall.work.vocabulary import Priority

_LINKED: LiteralString = """
select r.id, r.org_id, r.project_id, r.full_name, r.linked_at, r.makes_issues, r.sends_comments, p.conversation_id
from github_repositories r join projects p on p.org_id = r.org_id and p.id = r.project_id and p.deleted_at is null
where r.org_id = (select (current_orgs())[1])
"""
_ISSUE: LiteralString = """
select i.key::bigint as github_id, i.number, coalesce(i.state, 'open') as state,
    i.data ->> 'state_reason' as state_reason, i.title, i.body, i.author, i.url,
    coalesce(i.data -> 'labels', '[]') as labels, coalesce(i.data -> 'assignees', '[]') as assignees, i.moment,
    i.data ->> 'closed_at' as closed_at, i.deleted_at is not null as is_deleted, (
        select max((p.data ->> 'merged_at')::timestamptz) from github_links l
        join github_items p on p.org_id = l.org_id and p.repository_id = l.repository_id and p.number = l.number
            and p.kind = 'pull_request' and p.state = 'merged' and p.deleted_at is null
        where l.org_id = i.org_id and l.issue_repository_id = i.repository_id and l.issue_number = i.number
    ) as merged_at
from github_items i
where i.org_id = (select (current_orgs())[1]) and i.repository_id = %(repository)s and i.kind = 'issue'
"""
_ELIGIBLE: LiteralString = """
select a.id from agents a
where a.org_id = (select (current_orgs())[1]) and a.id = any (%(ids)s) and a.deleted_at is null
  and (a.level = 'organization' or a.project_id = %(project)s) and a.status not in ('inactive', 'terminated')
  and not (a.status = 'probation' and %(priority)s = 'P0')
"""


GITHUB_ID = uuid5(NAMESPACE_URL, "https://github.com")


def github_actor(org_id: UUID) -> Actor:
    """GitHub, as whom tasks take what was changed there: what it does does not go out again."""
    return Actor(type=ActorType.SYSTEM, id=GITHUB_ID, org_id=org_id, name="GitHub")


class Linked(Struct, frozen=True, kw_only=True):
    """A repository and its project. `conversation_id`: the project's channel."""

    id: UUID
    org_id: UUID
    project_id: UUID
    full_name: str
    linked_at: Any
    makes_issues: bool
    sends_comments: bool
    conversation_id: UUID | None


class Followed(Struct, frozen=True, kw_only=True):
    """A task as far as it follows an issue."""

    id: UUID
    github_told: Told | None


class Member(Struct, frozen=True):
    """Whom a login means here."""

    login: str
    type: str
    id: UUID
    name: str


async def find_linked(
    tx: Tx, *, repository_id: UUID | None = None, project_id: UUID | None = None, lock: bool = False
) -> Linked | None:
    """The repository of that id, or of that project, if it is linked. `lock`: no issue is mirrored meanwhile."""
    sql: LiteralString = _LINKED + (" and r.id = %(id)s" if repository_id else " and r.project_id = %(project)s")
    if lock:
        sql += " for no key update of r"
    return await tx.find(Linked, sql, {"id": repository_id, "project": project_id})


async def find_issue(tx: Tx, repository_id: UUID, *, number: int | None = None, key: str | None = None) -> Issue | None:
    """An issue of the mirror, deleted ones too."""
    sql: LiteralString = _ISSUE + (" and i.key = %(key)s" if key else " and i.number = %(number)s")
    values: Params = {"repository": repository_id, "number": number, "key": key}
    return await tx.find(Issue, sql + " order by i.deleted_at nulls first, i.moment desc limit 1", values)


async def members_of(tx: Tx, logins: list[str]) -> dict[str, Member]:
    """Whom logins mean, by login in small letters."""
    if not logins:
        return {}
    found = await tx.all(Member, "select * from github_members(%(logins)s)", {"logins": logins})
    return {one.login: one for one in found}


async def assignee_of(tx: Tx, project_id: UUID, priority: Priority, logins: list[str]) -> Assignee | None:
    """The first of the logins who is somebody here and may have such a task."""
    known = await members_of(tx, logins)
    agents = [one.id for one in known.values() if one.type == MemberType.AGENT]
    values: Params = {"ids": agents, "project": project_id, "priority": str(priority)}
    eligible = set(await tx.values(_ELIGIBLE, values)) if agents else set()
    for login in logins:
        one = known.get(login)
        if one is not None and (one.type == MemberType.USER or one.id in eligible):
            return Assignee(MemberType(one.type), one.id)
    return None


async def login_of(tx: Tx, who: Assignee) -> str | None:
    """What GitHub calls a person or an agent; None where nobody said so."""
    sql: LiteralString = "select github_login from users where id = %(id)s"
    if who.type is MemberType.AGENT:
        sql = "select github_login from agents where org_id = (select (current_orgs())[1]) and id = %(id)s"
    found: str | None = await tx.value(sql, {"id": who.id})
    return found


class _Waiting(Struct):
    fields: dict[str, Any]


async def waiting_fields(tx: Tx, repository_id: UUID, number: int) -> dict[str, Any]:
    """What of an issue waits to go out: the newest of each field."""
    found = await tx.all(
        _Waiting,
        """
        select fields from github_changes
        where org_id = (select (current_orgs())[1]) and repository_id = %(repository)s and number = %(number)s
          and state = 'waiting' and kind = 'change_issue' order by id
        """,
        {"repository": repository_id, "number": number},
    )
    return {name: value for one in found for name, value in one.fields.items()}


def laid_over(issue: Issue, fields: dict[str, Any]) -> Issue:
    """An issue as it will stand once these went out."""
    return structs.replace(issue, **fields)
