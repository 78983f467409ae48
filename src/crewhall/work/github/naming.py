"""Which mirrored repository a payload tells of: by GitHub's id once that is known, by name until then."""

from typing import LiteralString
from uuid import UUID

import msgspec

from crewhall.kernel.db import Tx
from crewhall.work.github.fields import Raw, Unreadable, time_of

_FIND: LiteralString = """
select id, github_id, installation_id from github_repositories
where connection_id = %(connection)s
  and (github_id = %(github)s or (github_id is null and lower(full_name) = lower(%(name)s)))
order by github_id nulls last limit 1
"""
_NOTE: LiteralString = """
update github_repositories set github_id = coalesce(github_id, %(github)s),
    installation_id = coalesce(%(installation)s, installation_id)
where id = %(id)s
"""
_RENAME: LiteralString = """
update github_repositories set full_name = %(name)s, named_at = %(at)s,
    default_branch = coalesce(%(branch)s, default_branch)
where id = %(id)s and coalesce(named_at, '-infinity') <= %(at)s
  and not exists (select from github_repositories o where o.org_id = github_repositories.org_id
                  and lower(o.full_name) = lower(%(name)s) and o.id <> %(id)s)
"""


class _Found(msgspec.Struct, frozen=True):
    id: UUID
    github_id: int | None
    installation_id: int | None


async def find_repository(tx: Tx, connection_id: UUID, raw: Raw, installation_id: int | None) -> UUID | None:
    """The mirrored repository; None if it is not mirrored over this connection. Raises Unreadable."""
    github_id, name = raw.get("id"), raw.get("full_name")
    if not isinstance(github_id, int) or not isinstance(name, str):
        raise Unreadable("The payload's repository has no id or no name.")
    found = await tx.find(_Found, _FIND, {"connection": connection_id, "github": github_id, "name": name[:201]})
    if found is None:
        return None
    if found.github_id is None or (installation_id is not None and found.installation_id != installation_id):
        await tx.run(_NOTE, {"id": found.id, "github": github_id, "installation": installation_id})
    return found.id


async def take_name(tx: Tx, repository_id: UUID, raw: Raw) -> None:
    """Take what a repository is called now, if nothing newer was told."""
    values = {"id": repository_id, "name": raw["full_name"], "at": time_of(raw, "updated_at")}
    await tx.run(_RENAME, values | {"branch": raw.get("default_branch")})
