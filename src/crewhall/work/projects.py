"""Projects written: begun, changed, archived, deleted; who works on them. Each act is audited and told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

from msgspec import UNSET, structs
from psycopg.errors import UniqueViolation

from crewhall.agents import access_agent
from crewhall.conversations import MemberType, NewConversation, NewMember, free_channel_name, open_conversation
from crewhall.identity import Permission, check_permission, find_people
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND
from crewhall.kernel.events import publish
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import MessageLog
from crewhall.work.facts import (
    ProjectArchived,
    ProjectChanged,
    ProjectCreated,
    ProjectDeleted,
    ProjectFact,
    ProjectRestored,
)
from crewhall.work.project_names import RESERVED, slugs_like
from crewhall.work.project_queries import access_project
from crewhall.work.project_schemas import NewProject, Project, ProjectChange

MOST_MEMBERS = 1000
_INSERT: LiteralString = """
insert into projects (id, org_id, name, slug, description, repository_url, github_installation_id, mvp_document_url,
                      conversation_id, created_by, updated_by)
values (%(id)s, %(org)s, %(name)s, %(slug)s, %(description)s, %(repository_url)s, %(github_installation_id)s,
        %(mvp_document_url)s, %(conversation)s, %(by)s, %(by)s)
on conflict (org_id, slug) where deleted_at is null do nothing
"""
_UPDATE: LiteralString = """
update projects set name = %(name)s, slug = %(slug)s, description = %(description)s,
    repository_url = %(repository_url)s,
    github_installation_id = %(github_installation_id)s, mvp_document_url = %(mvp_document_url)s, updated_by = %(by)s
where id = %(id)s
"""
TAKEN = "Another project has this slug. Choose another."


async def create_project(tx: Tx, actor: Actor, log: MessageLog, data: NewProject) -> Project:
    """Begin a project with a public channel of its name. Raises FORBIDDEN, INVALID, CONFLICT (the slug is taken)."""
    check_permission(actor, Permission.PROJECTS_CREATE)
    if actor.type is not ActorType.USER:
        raise FORBIDDEN("A person begins projects.")
    slugs = [data.slug] if data.slug else slugs_like(data.name)
    values: dict[str, Any] = structs.asdict(data) | {
        "id": new_id(), "org": actor.org, "by": actor.id, "conversation": await _open_channel(tx, actor, log, data),
    }  # fmt: skip
    for slug in slugs:
        _check_slug(slug)
        if await tx.run(_INSERT, values | {"slug": slug}):
            break
    else:
        raise CONFLICT(TAKEN, field="slug")
    ids = {"id": values["id"], "org": actor.org, "conversation": values["conversation"], "by": actor.id}
    await tx.run("insert into project_numbers (project_id, org_id) values (%(id)s, %(org)s)", ids)
    await tx.run("update conversations set project_id = %(id)s where id = %(conversation)s", ids)
    await _insert_member(tx, actor, values["id"], NewMember(MemberType.USER, actor.id))
    made = await access_project(tx, actor, values["id"])
    await _tell(tx, actor, made, "project.created", ProjectCreated)
    return made


async def change_project(tx: Tx, actor: Actor, project_id: UUID, data: ProjectChange) -> Project:
    """Change what is said of a project. Raises NOT_FOUND, FORBIDDEN, INVALID, CONFLICT (the slug is taken)."""
    before = await access_project(tx, actor, project_id, manage=True)
    given = {name: value for name, value in structs.asdict(data).items() if value is not UNSET}
    changed = [name for name, value in given.items() if value != getattr(before, name)]
    if not changed:
        return before
    if "slug" in changed:
        _check_slug(given["slug"])
    names = ("name", "slug", "description", "repository_url", "github_installation_id", "mvp_document_url")
    values = {name: getattr(before, name) for name in names} | given
    with clear_slug():
        await tx.run(_UPDATE, values | {"id": project_id, "by": actor.id})
    after = await access_project(tx, actor, project_id)
    await audit.record(tx, actor, "project.changed", "project", project_id, {"name": after.name, "changed": changed})
    await publish(tx, actor, ProjectChanged(**_fact(actor, after), changed=changed))
    return after


async def archive_project(tx: Tx, actor: Actor, project_id: UUID) -> Project:
    """Say that nothing is to be done in a project any more; it stays to be read."""
    return await _set_active(tx, actor, project_id, "project.archived", ProjectArchived, is_active=False)


async def restore_project(tx: Tx, actor: Actor, project_id: UUID) -> Project:
    """Take an archived project up again."""
    return await _set_active(tx, actor, project_id, "project.restored", ProjectRestored, is_active=True)


async def delete_project(tx: Tx, actor: Actor, project_id: UUID, *, confirm: str | None) -> None:
    """Delete a project with its tasks, softly; `confirm` is its slug, typed. Its channel stays.

    Raises NOT_FOUND, FORBIDDEN, CONFLICT (not confirmed, or it still has agents of its own).
    """
    now = await access_project(tx, actor, project_id, manage=True)
    check_permission(actor, Permission.PROJECTS_UPDATE)
    if confirm != now.slug:
        raise CONFLICT("To delete the project, confirm with its slug.", field="confirm")
    await tx.run("select from projects where id = %(id)s for update", {"id": project_id})
    if await tx.value(
        "select true from agents where org_id = %(org)s and project_id = %(id)s and deleted_at is null limit 1",
        {"org": actor.org, "id": project_id},
    ):
        raise CONFLICT("The project still has agents of its own. Move them to another project, or delete them first.")
    await tx.run(
        "update projects set deleted_at = now(), updated_by = %(by)s where id = %(id)s",
        {"id": project_id, "by": actor.id},
    )
    await _tell(tx, actor, now, "project.deleted", ProjectDeleted)


async def add_member(tx: Tx, actor: Actor, project_id: UUID, member: NewMember) -> bool:
    """Let a person or an agent of the organization work on a project; tells whether it did not before.

    Everybody who sees a project may join it; whoever manages it adds others. Raises NOT_FOUND, FORBIDDEN, INVALID.
    """
    await access_project(tx, actor, project_id, manage=member.member_id != actor.id)
    if member.member_type is MemberType.USER:
        if member.member_id not in await find_people(tx, [member.member_id]):
            raise INVALID("There is no such person in the organization.", field="member_id")
    else:
        agent = await access_agent(tx, actor, member.member_id)
        if agent.project_id is not None:
            raise INVALID(
                "This agent has a project of its own. Only agents of the organization join.", field="member_id"
            )
    if not await _insert_member(tx, actor, project_id, member):
        return False
    await _tell_member(tx, actor, project_id, member, "project.member_added")
    return True


async def remove_member(tx: Tx, actor: Actor, project_id: UUID, member: NewMember) -> None:
    """Take somebody off a project; anybody leaves by themselves. Tasks that they have stay theirs. Raises NOT_FOUND."""
    await access_project(tx, actor, project_id, manage=member.member_id != actor.id)
    if not await tx.run(
        """
        delete from project_members
        where project_id = %(id)s and member_type = %(type)s and member_id = %(member)s
        """,
        {"id": project_id, "type": str(member.member_type), "member": member.member_id},
    ):
        raise NOT_FOUND("The project has no such member; an agent of its own is moved where the agent is changed.")
    await _tell_member(tx, actor, project_id, member, "project.member_removed")


@contextmanager
def clear_slug() -> Iterator[None]:
    """Say of a slug that is taken what to do about it. Raises CONFLICT."""
    try:
        yield
    except UniqueViolation as error:
        raise CONFLICT(TAKEN, field="slug") from error


def _check_slug(slug: str) -> None:
    if slug in RESERVED:
        raise INVALID("Pages have this word for themselves. Choose another.", field="slug")


async def _open_channel(tx: Tx, actor: Actor, log: MessageLog, data: NewProject) -> UUID:
    name = await free_channel_name(tx, data.slug or next(slugs_like(data.name)))
    opened = NewConversation(kind="channel", name=name, description=f"The work of {data.name}"[:1024])
    return (await open_conversation(tx, actor, log, opened)).id


async def _set_active(
    tx: Tx, actor: Actor, project_id: UUID, action: str, fact: type[ProjectFact], *, is_active: bool
) -> Project:
    now = await access_project(tx, actor, project_id, manage=True)
    if now.is_active is is_active:
        return now
    await tx.run(
        "update projects set is_active = %(active)s, updated_by = %(by)s where id = %(id)s",
        {"id": project_id, "active": is_active, "by": actor.id},
    )
    await _tell(tx, actor, now, action, fact)
    return await access_project(tx, actor, project_id)


async def _insert_member(tx: Tx, actor: Actor, project_id: UUID, member: NewMember) -> bool:
    if await tx.value(
        "select count(*) >= %(most)s from project_members where project_id = %(id)s",
        {"id": project_id, "most": MOST_MEMBERS},
    ):
        raise CONFLICT(f"A project has at most {MOST_MEMBERS:,} members.")
    added = await tx.run(
        """
        insert into project_members (project_id, org_id, member_type, member_id, added_by)
        values (%(id)s, %(org)s, %(type)s, %(member)s, %(by)s) on conflict do nothing
        """,
        {"id": project_id, "org": actor.org, "type": str(member.member_type), "member": member.member_id,
         "by": actor.id},
    )  # fmt: skip
    return bool(added)


async def _tell(tx: Tx, actor: Actor, project: Project, action: str, fact: type[ProjectFact]) -> None:
    await audit.record(tx, actor, action, "project", project.id, {"name": project.name, "slug": project.slug})
    await publish(tx, actor, fact(**_fact(actor, project)))


async def _tell_member(tx: Tx, actor: Actor, project_id: UUID, member: NewMember, action: str) -> None:
    project = await access_project(tx, actor, project_id)
    details = {"name": project.name, "member_id": str(member.member_id)}
    await audit.record(tx, actor, action, "project", project_id, details)


def _fact(actor: Actor, project: Project) -> dict[str, Any]:
    return {"project_id": project.id, "org_id": actor.org, "slug": project.slug, "name": project.name}
