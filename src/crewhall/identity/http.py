"""Oneself, one's organizations and the audit log, over HTTP; every router of identity."""

from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from crewhall.faces.plumbing.dependencies import only_people, signed_in
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity import app_logins, logins, organizations, personal_tokens
from crewhall.identity.accounts import update_profile
from crewhall.identity.acts import Act, list_acts
from crewhall.identity.founding import found_organization
from crewhall.identity.http_apps import OAUTH
from crewhall.identity.http_auth import AUTH, DOOR, throttle_of
from crewhall.identity.http_brand import BRAND, LOGO
from crewhall.identity.http_installation import show_installation
from crewhall.identity.http_ownership import OWNERSHIP
from crewhall.identity.http_people import ACCEPTANCE, INVITATIONS, PEOPLE
from crewhall.identity.me import get_me
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.schemas import (
    LetInApp,
    Login,
    MadePersonalToken,
    Me,
    NewOrganization,
    NewPersonalToken,
    Organization,
    OrganizationChange,
    PersonalToken,
    Profile,
    ProfileChange,
)
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page


@get("/", summary="Who am I")
async def show_me(services: NamedDependency[Services], guest: NamedDependency[Actor | None]) -> Me:
    """The person or agent behind the token, with its organization and role."""
    actor = signed_in(guest)
    async with services.db.transaction(actor) as tx:
        return await get_me(tx, actor)


@patch("/", summary="Change the own account")
async def change_me(
    services: NamedDependency[Services], person: NamedDependency[Actor], data: JSONBody[ProfileChange]
) -> Profile:
    """Name, handle, picture, language, timezone."""
    async with services.db.transaction(person) as tx:
        return await update_profile(tx, person, data)


@get("/logins", summary="List the own logins")
async def list_own_logins(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Login]:
    """Browsers and clients that are signed in, newest first."""
    async with services.db.transaction(person) as tx:
        return await logins.list_logins(tx, person, after=after, limit=limit)


@delete("/logins/{login_id:uuid}", summary="End one of the own logins")
async def end_own_login(
    services: NamedDependency[Services], person: NamedDependency[Actor], login_id: FromPath[UUID]
) -> None:
    """Its tokens stop working at once."""
    async with services.db.transaction(person) as tx:
        await logins.end_login(tx, person, login_id)


@get("/tokens", summary="List the own personal tokens")
async def list_personal_tokens(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[PersonalToken]:
    """Those that are still good, newest first; never their secrets."""
    async with services.db.transaction(person) as tx:
        return await personal_tokens.list_personal_tokens(tx, person, after=after, limit=limit)


@post(
    "/tokens",
    summary="Make a personal token",
    description="A key that lasts, for a program that acts as oneself in the current organization. Its secret is "
    "shown only in this answer. A personal token makes no further ones.",
)
async def make_personal_token(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    person: NamedDependency[Actor],  # noqa: ARG001
    data: JSONBody[NewPersonalToken],
) -> MadePersonalToken:
    """For people; agents have keys."""
    async with services.db.transaction(actor) as tx:
        return await personal_tokens.make_personal_token(tx, actor, data)


@delete("/tokens/{token_id:uuid}", summary="Revoke a personal token")
async def revoke_personal_token(
    services: NamedDependency[Services], person: NamedDependency[Actor], token_id: FromPath[UUID]
) -> None:
    """It stops working within a second, everywhere."""
    async with services.db.transaction(person) as tx:
        await personal_tokens.revoke_personal_token(tx, person, token_id)


@get("/apps", summary="List the apps that one let in")
async def list_apps(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[LetInApp]:
    """Programs that act as oneself through MCP, in one organization each, newest first."""
    async with services.db.transaction(person) as tx:
        return await app_logins.list_let_in(tx, person, after=after, limit=limit)


@delete("/apps/{app_id:uuid}", summary="Shut an app out")
async def shut_app_out(
    services: NamedDependency[Services], person: NamedDependency[Actor], app_id: FromPath[UUID]
) -> None:
    """Its tokens stop working within a second, everywhere."""
    async with services.db.transaction(person) as tx:
        await app_logins.shut_out(tx, person, app_id)


ME = api_router(
    "/me",
    [
        show_me,
        change_me,
        list_own_logins,
        end_own_login,
        list_personal_tokens,
        make_personal_token,
        revoke_personal_token,
        list_apps,
        shut_app_out,
    ],
    tags=["Me"],
)


@get("/", summary="List the own organizations")
async def list_own_organizations(
    services: NamedDependency[Services],
    guest: NamedDependency[Actor | None],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Organization]:
    """By name, with the own role in each."""
    actor = signed_in(guest)
    async with services.db.transaction(actor) as tx:
        only = actor.org_id if actor.is_bound else None
        return await organizations.list_organizations(tx, only=only, after=after, limit=limit)


@post("/", summary="Make an organization")
async def create_organization(
    services: NamedDependency[Services], person: NamedDependency[Actor], data: JSONBody[NewOrganization]
) -> Organization:
    """Whoever makes it owns it. `CREWHALL_FOUNDERS` says who may."""
    settings = services.settings_of(IdentitySettings)
    return await found_organization(services.db, throttle_of(services), settings, person, data)


@get("/{org_id:uuid}", summary="Show an organization")
async def show_organization(
    services: NamedDependency[Services], guest: NamedDependency[Actor | None], org_id: FromPath[UUID]
) -> Organization:
    """One of the own organizations."""
    actor = signed_in(guest)
    async with services.db.transaction(actor) as tx:
        await organizations.enter_organization(tx, actor, org_id)
        return await organizations.get_organization(tx, org_id)


@patch("/{org_id:uuid}", summary="Change an organization")
async def change_organization(
    services: NamedDependency[Services],
    guest: NamedDependency[Actor | None],
    org_id: FromPath[UUID],
    data: JSONBody[OrganizationChange],
) -> Organization:
    """For owners and admins."""
    person = only_people(guest)
    async with services.db.transaction(person) as tx:
        inside = await organizations.enter_organization(tx, person, org_id)
        return await organizations.update_organization(tx, inside, data)


@delete("/{org_id:uuid}", summary="Delete an organization")
async def delete_organization(
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
    org_id: FromPath[UUID],
    confirm: FromQuery[str | None] = None,
) -> None:
    """For its owner, who types its slug as `confirm`. Refused while it has agents beside those that it began with."""
    async with services.db.transaction(person) as tx:
        inside = await organizations.enter_organization(tx, person, org_id)
        await organizations.delete_organization(tx, inside, confirm=confirm)


@post("/{org_id:uuid}/switch", status_code=200, summary="Make an organization the current one")
async def switch_organization(
    services: NamedDependency[Services], person: NamedDependency[Actor], org_id: FromPath[UUID]
) -> Organization:
    """For the login that asks; `X-Crewhall-Org` overrides it for one request."""
    async with services.db.transaction(person) as tx:
        await logins.switch_organization(tx, person, org_id)
        return await organizations.get_organization(tx, org_id)


ORGANIZATIONS = api_router(
    "/organizations",
    [
        list_own_organizations,
        create_organization,
        show_organization,
        change_organization,
        delete_organization,
        switch_organization,
        *OWNERSHIP,
        *LOGO,
    ],
    tags=["Organizations"],
)


@get("/", summary="Read the audit log")
async def read_audit(
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
    action: Annotated[str | None, QueryParameter(max_length=100, description="Only this action.")] = None,
) -> Page[Act]:
    """Every administrative act, newest first, for owners and admins."""
    check_permission(actor, Permission.AUDIT_READ)
    async with services.db.transaction(actor) as tx:
        return await list_acts(tx, after=after, limit=limit, action=action)


AUDIT = api_router("/audit", [read_audit], tags=["Organizations"])

RUNNING = api_router("/installation", [show_installation], tags=["Installation"])

ROUTERS = [DOOR, AUTH, ME, ORGANIZATIONS, PEOPLE, INVITATIONS, ACCEPTANCE, AUDIT, RUNNING, OAUTH, BRAND]
