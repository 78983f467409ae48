"""Repositories that are mirrored: added, read again, listed with what they hold, removed."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from crewhall.identity import Permission, check_permission
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import CONFLICT, NOT_FOUND
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.work.github.mirror import CHANNEL
from crewhall.work.github.schemas import MirroredItem, Repository, RepositoryInput
from crewhall.work.github.vocabulary import ItemKind

MOST_REPOSITORIES = 500
_REPOSITORY: LiteralString = """
select id, connection_id, full_name, github_id, installation_id, default_branch, project_id, makes_issues,
    sends_comments, tasks_done, tasks_total, tasks_look_at is not null as is_filling, state, problem, pages_done,
    pages_total, synced_at, look_at, created_at
from github_repositories where org_id = any (current_orgs())
"""


async def list_repositories(
    tx: Tx, actor: Actor, *, after: str | None = None, limit: int | None = None
) -> Page[Repository]:
    """List the repositories by name. Raises FORBIDDEN."""
    check_permission(actor, Permission.SETTINGS_READ)
    size, key = check_limit(limit), decode_cursor(after, str)
    rows = await tx.all(
        Repository,
        _REPOSITORY
        + " and (%(after)s::text is null or lower(full_name) > %(after)s) order by lower(full_name) limit %(limit)s",
        {"after": key[0] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.full_name.lower(),))


async def get_repository(tx: Tx, actor: Actor, repository_id: UUID) -> Repository:
    """Return a repository and how its mirror stands. Raises FORBIDDEN, NOT_FOUND."""
    check_permission(actor, Permission.SETTINGS_READ)
    found = await tx.find(Repository, _REPOSITORY + " and id = %(id)s", {"id": repository_id})
    if found is None:
        raise NOT_FOUND("There is no such repository here.")
    return found


async def add_repository(tx: Tx, actor: Actor, data: RepositoryInput) -> Repository:
    """Mirror a repository from now on; it is read at once. Raises FORBIDDEN, NOT_FOUND, CONFLICT."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    known = await tx.value(
        "select exists (select from github_connections where org_id = any (current_orgs()) and id = %(id)s)",
        {"id": data.connection_id},
    )
    if not known:
        raise NOT_FOUND("There is no such connection to GitHub.", field="connection_id")
    if (
        await tx.value("select count(*) from github_repositories where org_id = any (current_orgs())")
        >= MOST_REPOSITORIES
    ):
        raise CONFLICT(f"There are {MOST_REPOSITORIES} repositories, the most that one may have.")
    repository_id = new_id()
    made = await tx.run(
        """
        insert into github_repositories (id, org_id, connection_id, full_name, look_at, created_by)
        values (%(id)s, %(org)s, %(connection)s, %(name)s, clock_timestamp(), %(by)s) on conflict do nothing
        """,
        {
            "id": repository_id,
            "org": actor.org,
            "connection": data.connection_id,
            "name": data.full_name,
            "by": actor.id,
        },
    )
    if not made:
        raise CONFLICT(f"{data.full_name} is mirrored already.", field="full_name")
    await tx.notify(CHANNEL, "repositories")
    about = {"name": data.full_name}
    await audit.record(tx, actor, "github_repository.added", "github_repository", repository_id, about)
    return await get_repository(tx, actor, repository_id)


async def sync_repository(tx: Tx, actor: Actor, repository_id: UUID) -> Repository:
    """Have a repository read now. Raises FORBIDDEN, NOT_FOUND."""
    await _access(tx, actor, repository_id)
    await tx.run(
        """
        update github_repositories set look_at = clock_timestamp(), retries = 0, problem = null,
            state = case when state = 'synced' then 'waiting' when state = 'failed' then 'waiting' else state end
        where id = %(id)s and org_id = any (current_orgs()) and state <> 'syncing'
        """,
        {"id": repository_id},
    )
    await tx.notify(CHANNEL, "repositories")
    return await get_repository(tx, actor, repository_id)


async def remove_repository(tx: Tx, actor: Actor, repository_id: UUID) -> None:
    """Mirror a repository no more; what was mirrored goes. Raises FORBIDDEN, NOT_FOUND."""
    found = await _access(tx, actor, repository_id)
    await tx.run(
        "delete from github_repositories where id = %(id)s and org_id = any (current_orgs())", {"id": repository_id}
    )
    about = {"name": found.full_name}
    await audit.record(tx, actor, "github_repository.removed", "github_repository", repository_id, about)


async def list_items(
    tx: Tx,
    actor: Actor,
    repository_id: UUID,
    *,
    kind: ItemKind,
    number: int | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Page[MirroredItem]:
    """List what a repository holds of a kind, the newest first; what was deleted there is left out."""
    await get_repository(tx, actor, repository_id)
    size, key = check_limit(limit), decode_cursor(after, datetime, str)
    rows = await tx.all(
        MirroredItem,
        """
        select kind, key, number, sha, state, title, body, author, url, moment, deleted_at, data from github_items
        where org_id = (select (current_orgs())[1]) and repository_id = %(repository)s and kind = %(kind)s
          and deleted_at is null and (%(number)s::integer is null or number = %(number)s)
          and (%(moment)s::timestamptz is null or (moment, key) < (%(moment)s, %(key)s))
        order by moment desc, key desc limit %(limit)s
        """,
        {
            "repository": repository_id,
            "kind": str(kind),
            "number": number,
            "moment": key[0] if key else None,
            "key": key[1] if key else None,
            "limit": size + 1,
        },
    )
    return page_of(rows, size, lambda row: (row.moment, row.key))


async def _access(tx: Tx, actor: Actor, repository_id: UUID) -> Repository:
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    return await get_repository(tx, actor, repository_id)
