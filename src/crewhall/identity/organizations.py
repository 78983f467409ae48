"""Organizations: listed, entered, made, changed and deleted by their people."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from crewhall.identity.errors import clear_conflicts
from crewhall.identity.events import OrganizationCreated, OrganizationGivenUp
from crewhall.identity.fields import check_slug, check_text, check_timezone
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.schemas import NewOrganization, Organization, OrganizationChange, OrganizationSettings
from crewhall.identity.words import slug_candidates
from crewhall.kernel import audit
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import SET_SCOPE, Tx, scope_of
from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND
from crewhall.kernel.events import publish
from crewhall.kernel.ids import new_id
from crewhall.kernel.paging import Page, check_limit, decode_cursor, page_of
from crewhall.kernel.verified import revoke

_COLUMNS: LiteralString = """
select o.id, o.slug, o.name, o.description, o.plan, o.settings, o.search_language::text as search_language,
       o.locale, o.timezone, o.accent, '/brand/logo/' || o.logo as logo_url,
       o.created_at, o.updated_at, m.role
from organizations o left join memberships m on m.org_id = o.id and m.user_id = current_actor()
"""
_ONE: LiteralString = _COLUMNS + " where o.id = %(id)s and o.deleted_at is null"
_VIEWED: LiteralString = (
    "select v.*, (select u.locale from users u where u.id = current_actor()) as viewer_locale from (" + _ONE + ") v"
)
_INSERT: LiteralString = """
insert into organizations (id, slug, name, description, settings, created_by, timezone)
values (%(id)s, %(slug)s, %(name)s, %(description)s, %(settings)s, %(creator)s,
        coalesce((select u.timezone from users u where u.id = %(creator)s), 'UTC'))
"""
_INSERT_UNLESS_TAKEN: LiteralString = _INSERT + " on conflict (slug) where deleted_at is null do nothing"


async def list_organizations(
    tx: Tx, *, only: UUID | None = None, after: str | None = None, limit: int | None = None
) -> Page[Organization]:
    """List the organizations that the transaction's person is a member of (an agent: its own), by name.

    `only` that one, for whoever is bound to it.
    """
    size = check_limit(limit)
    key = decode_cursor(after, str, UUID)
    rows = await tx.all(
        Organization,
        _COLUMNS
        + """
        where o.deleted_at is null and (m.role is not null or o.id = any (current_orgs()))
          and (%(only)s::uuid is null or o.id = %(only)s)
          and (%(name)s::text is null or (o.name, o.id) > (%(name)s, %(id)s))
        order by o.name, o.id limit %(limit)s
        """,
        {"only": only, "name": key[0] if key else None, "id": key[1] if key else None, "limit": size + 1},
    )
    return page_of(rows, size, lambda row: (row.name, row.id))


class Viewed(Organization, kw_only=True):
    """An organization with how who looks at it wants dates and times written."""

    viewer_locale: str


async def view_organization(tx: Tx, actor: Actor) -> Viewed:
    """The organization of a person who looks at its pages. Raises NOT_FOUND once it is deleted."""
    found = await tx.find(Viewed, _VIEWED, {"id": actor.org})
    if found is None:
        raise NOT_FOUND("There is no such organization among yours.")
    return found


async def get_organization(tx: Tx, org_id: UUID) -> Organization:
    """Return an organization within the transaction's reach, or raise NOT_FOUND."""
    found = await tx.find(Organization, _ONE, {"id": org_id})
    if found is None:
        raise NOT_FOUND("There is no such organization among yours.")
    return found


async def enter_organization(tx: Tx, actor: Actor, org_id: UUID) -> Actor:
    """Scope the transaction to one of the actor's organizations; return the actor with its role there.

    Raises NOT_FOUND for every other organization, whether it exists or not.
    """
    if actor.type is not ActorType.USER and actor.org_id == org_id:
        return actor
    role = await tx.value(
        """
        select m.role from memberships m join organizations o on o.id = m.org_id and o.deleted_at is null
        where m.org_id = %(org)s and m.user_id = %(user)s
        """,
        {"org": org_id, "user": actor.id},
    )
    if role is None or actor.type is not ActorType.USER or (actor.is_bound and org_id != actor.org_id):
        raise NOT_FOUND("There is no such organization among yours.")
    inside = msgspec.structs.replace(actor, org_id=org_id, role=Role(role))
    await tx.run(SET_SCOPE, scope_of(inside))
    return inside


def founder_of_new(person: Actor) -> Actor:
    """The person as owner of an organization that does not exist yet: open the creating transaction as this actor."""
    return msgspec.structs.replace(person, org_id=new_id(), role=Role.OWNER)


async def create_organization(
    tx: Tx, founder: Actor, new: NewOrganization, *, settings: OrganizationSettings | None = None
) -> Organization:
    """Make the organization `founder.org` with the founder as its owner (see `founder_of_new`), in their timezone."""
    name = check_text(new.name, "name")
    row: dict[str, Any] = {
        "id": founder.org,
        "name": name,
        "description": new.description,
        "creator": founder.id,
        "settings": Jsonb(msgspec.to_builtins(settings or OrganizationSettings())),
    }
    slug = await _insert(tx, row, new.slug, name)
    await add_membership(tx, founder, founder.id, Role.OWNER)
    await audit.record(tx, founder, "organization.created", "organization", founder.org, {"name": name, "slug": slug})
    await publish(tx, founder, OrganizationCreated(founder.org, name, slug, founder.id))
    return await get_organization(tx, founder.org)


async def _insert(tx: Tx, row: dict[str, Any], wanted: str | None, name: str) -> str:
    if wanted is not None:
        with clear_conflicts():
            await tx.run(_INSERT, {**row, "slug": check_slug(wanted)})
        return wanted
    for slug in slug_candidates(name):
        if await tx.run(_INSERT_UNLESS_TAKEN, {**row, "slug": slug}):
            return slug
    raise AssertionError("candidates never end")


async def add_membership(tx: Tx, actor: Actor, user_id: UUID, role: Role) -> None:
    """Make the person a member of the actor's organization; raises CONFLICT for one who is."""
    with clear_conflicts():
        await tx.run(
            "insert into memberships (org_id, user_id, role, created_by) values (%(org)s, %(user)s, %(role)s, %(by)s)",
            {"org": actor.org, "user": user_id, "role": str(role), "by": actor.id},
        )


async def update_organization(tx: Tx, actor: Actor, change: OrganizationChange) -> Organization:
    """Change the actor's organization. Audited with the names of what changed, if anything did."""
    check_permission(actor, Permission.ORGANIZATION_UPDATE)
    now = await get_organization(tx, actor.org)
    changed = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not msgspec.UNSET}
    if "name" in changed:
        changed["name"] = check_text(changed["name"], "name")
    if "slug" in changed:
        check_slug(changed["slug"])
    changed = {name: value for name, value in changed.items() if value != getattr(now, name)}
    if not changed:
        return now
    if "timezone" in changed:
        check_timezone(changed["timezone"])
    if "search_language" in changed:
        await _check_search_language(tx, changed["search_language"])
    merged = {**msgspec.structs.asdict(now), **changed, "by": actor.id}
    with clear_conflicts():
        await tx.run(
            """
            update organizations set name = %(name)s, slug = %(slug)s, description = %(description)s,
                settings = %(settings)s, search_language = %(search_language)s::regconfig,
                locale = %(locale)s, timezone = %(timezone)s, accent = lower(%(accent)s), updated_by = %(by)s
            where id = %(id)s
            """,
            {**merged, "settings": Jsonb(msgspec.to_builtins(merged["settings"]))},
        )
    await audit.record(tx, actor, "organization.updated", "organization", actor.org, {"changed": sorted(changed)})
    return await get_organization(tx, actor.org)


class SearchRewrite(msgspec.Struct, frozen=True):
    """How many of an organization's messages are searchable in its new language, of about how many."""

    done: int
    total: int


async def find_search_rewrite(tx: Tx, org_id: UUID) -> SearchRewrite | None:
    """How far the messages are behind a search language that was changed; None when all are searchable in it."""
    sql = """
        select least(done, total) as done, total from search_rewrites where org_id = %(org)s and not only_holding
    """
    return await tx.find(SearchRewrite, sql, {"org": org_id})


async def _check_search_language(tx: Tx, language: str) -> None:
    known = await tx.values("select cfgname::text from pg_ts_config where cfgnamespace = 'pg_catalog'::regnamespace")
    if language not in known:
        raise INVALID(f"This search language is not known. Choose one of: {', '.join(sorted(known))}.")


async def delete_organization(tx: Tx, actor: Actor, *, confirm: str | None) -> None:
    """Delete the actor's organization softly; `confirm` is its slug, typed by the owner.

    Raises CONFLICT while it has agents other than those it began with, which go with it. Everybody's tokens stop
    working for it at once.
    """
    check_permission(actor, Permission.ORGANIZATION_DELETE)
    now = await get_organization(tx, actor.org)
    if confirm != now.slug:
        raise CONFLICT("To delete the organization, confirm with its slug.", field="confirm")
    await publish(tx, actor, OrganizationGivenUp(actor.org))
    with clear_conflicts():
        await tx.run(
            "update organizations set deleted_at = now(), updated_by = %(by)s where id = %(id)s",
            {"id": actor.org, "by": actor.id},
        )
    await audit.record(tx, actor, "organization.deleted", "organization", actor.org, {"slug": now.slug})
    await revoke(tx, f"org:{actor.org}")
