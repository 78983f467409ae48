"""Pages of one's own settings, the organization's settings and the audit log."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.gate import COOKIE
from crewhall.faces.plumbing.pages import go, page_data, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import logins, organizations
from crewhall.identity.accounts import get_profile, update_profile
from crewhall.identity.acts import Act, list_acts
from crewhall.identity.app_logins import list_let_in
from crewhall.identity.device_names import device_name
from crewhall.identity.http_auth import throttle_of
from crewhall.identity.installation import runs_installation
from crewhall.identity.passwords import change_password
from crewhall.identity.permissions import Permission, check_permission, is_allowed
from crewhall.identity.personal_tokens import list_personal_tokens
from crewhall.identity.schemas import Login, OrganizationChange, PasswordChange, ProfileChange
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.paging import MAX_LIMIT
from crewhall.ports.mailer import MemoryMailer

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
LANGUAGES = (
    ("simple", "Simple: no language"), ("english", "English"), ("german", "German"), ("french", "French"),
    ("spanish", "Spanish"), ("portuguese", "Portuguese"), ("italian", "Italian"), ("dutch", "Dutch"),
    ("danish", "Danish"), ("swedish", "Swedish"), ("norwegian", "Norwegian"), ("finnish", "Finnish"),
    ("hungarian", "Hungarian"), ("romanian", "Romanian"), ("russian", "Russian"), ("turkish", "Turkish"),
    ("greek", "Greek"), ("arabic", "Arabic"), ("hindi", "Hindi"), ("indonesian", "Indonesian"),
    ("armenian", "Armenian"), ("basque", "Basque"), ("catalan", "Catalan"), ("irish", "Irish"),
    ("lithuanian", "Lithuanian"), ("nepali", "Nepali"), ("serbian", "Serbian"), ("tamil", "Tamil"),
    ("yiddish", "Yiddish"),
)  # fmt: skip


class ShownLogin(msgspec.Struct):
    """A login as its owner recognises it."""

    id: UUID
    device: str
    current: bool
    address: str | None
    last_seen_at: Any


def _shown(login: Login) -> ShownLogin:
    return ShownLogin(login.id, device_name(login.user_agent), login.current, login.address, login.last_seen_at)


async def settings_page(
    request: AnyRequest,
    services: Services,
    person: Actor,
    *,
    form: Form | None = None,
    password_form: Form | None = None,
    token_form: Form | None = None,
    new_token: str | None = None,
    status: int = 200,
) -> Response[str]:
    """The page of one's own settings; with a token that was just made, or a form as it was refused."""
    async with services.db.transaction(person) as tx:
        profile = await get_profile(tx, person)
        own = await logins.list_logins(tx, person)
        tokens = await list_personal_tokens(tx, person, limit=MAX_LIMIT)
        apps = await list_let_in(tx, person, limit=MAX_LIMIT)
    return await render_in_hall(
        "settings.html",
        request,
        services,
        person,
        status=status,
        profile=profile,
        logins=[_shown(login) for login in own.items],
        form=form or Form(),
        password_form=password_form or Form(),
        tokens=tokens.items,
        token_form=token_form or Form(),
        new_token=new_token,
        apps=apps.items,
    )


@get("/settings")
async def show_settings(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """One's own account."""
    return await settings_page(request, services, actor)


@post("/settings")
async def change_profile(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Change name, handle, locale, timezone."""
    form = await read_form(request)
    try:
        change = form.read(ProfileChange, "name", "handle", "locale", "timezone", **form.login())
        async with services.db.transaction(actor) as tx:
            await update_profile(tx, actor, change)
    except CrewhallError as error:
        form.refuse(error)
        return await settings_page(request, services, actor, form=form, status=error.kind.status)
    return go("/settings", "Saved.")


@post("/settings/password")
async def change_own_password(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Change the password; other logins end."""
    form = await read_form(request)
    try:
        change = form.read(PasswordChange, "current_password", "new_password")
        await change_password(services.db, throttle_of(services), actor, change)
    except CrewhallError as error:
        if error.fields.get("field") == "password":
            error.fields["field"] = "new_password"
        form.refuse(error)
        return await settings_page(request, services, actor, password_form=form, status=error.kind.status)
    return go("/settings", "The password is changed. Other browsers and clients are signed out.")


@post("/settings/logins/{login_id:uuid}/end")
async def end_own_login(
    services: NamedDependency[Services], actor: NamedDependency[Actor], login_id: FromPath[UUID]
) -> Redirect:
    """Sign one of one's browsers or clients out."""
    async with services.db.transaction(actor) as tx:
        await logins.end_login(tx, actor, login_id)
    return go("/settings", "Signed out there.")


@post("/settings/logins/end-all")
async def end_every_login(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Redirect:
    """Sign out everywhere, here too."""
    async with services.db.transaction(actor) as tx:
        await logins.end_all_logins(tx, actor)
    gone = Cookie(COOKIE, value="", path="/", max_age=0, httponly=True)
    return go("/login", "You are signed out everywhere.", cookies=[gone])


async def _organization_page(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    *,
    form: Form | None = None,
    delete_form: Form | None = None,
    status: int = 200,
) -> Response[str]:
    check_permission(actor, Permission.SETTINGS_READ)
    async with services.db.transaction(actor) as tx:
        organization = await organizations.get_organization(tx, actor.org)
        rewrite = await organizations.find_search_rewrite(tx, actor.org)
        runs_all = await runs_installation(tx, actor)
    may_delete = is_allowed(actor, Permission.ORGANIZATION_DELETE)
    mailer = services.mailer
    return await render_in_hall(
        "settings_organization.html",
        request,
        services,
        actor,
        status=status,
        organization=organization,
        languages=LANGUAGES,
        rewrite=rewrite,
        form=form or Form(),
        delete_form=delete_form or Form(),
        may_delete=may_delete,
        runs_installation=runs_all,
        mails=mailer.sent_for(actor.org) if may_delete and isinstance(mailer, MemoryMailer) else None,
    )


@get("/settings/organization")
async def show_organization_settings(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """The organization's settings, for owners and admins."""
    return await _organization_page(request, services, actor)


@post("/settings/organization")
async def change_organization(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Change the organization."""
    form = await read_form(request)
    try:
        change = form.read(OrganizationChange, "name", "slug", "search_language", "locale", "timezone")
        change = msgspec.structs.replace(change, description=form.v("description").strip() or None)
        async with services.db.transaction(actor) as tx:
            await organizations.update_organization(tx, actor, change)
    except CrewhallError as error:
        form.refuse(error)
        return await _organization_page(request, services, actor, form=form, status=error.kind.status)
    return go("/settings/organization", "Saved.")


@post("/settings/organization/delete")
async def delete_organization(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Delete the organization, when its slug was typed."""
    form = await read_form(request)
    try:
        async with services.db.transaction(actor) as tx:
            await organizations.delete_organization(tx, actor, confirm=form.values.get("confirm"))
    except CrewhallError as error:
        form.refuse(error)
        return await _organization_page(request, services, actor, delete_form=form, status=error.kind.status)
    return go("/organizations", "The organization is deleted.")


class ShownAct(msgspec.Struct):
    """An act with its details as text."""

    act: Act
    details: dict[str, str]


@get("/audit")
async def show_audit(
    request: AnyRequest,
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    action: Annotated[str | None, QueryParameter(max_length=100)] = None,
) -> Page:
    """Who changed what, for owners and admins; of one action only, where it is named."""
    check_permission(actor, Permission.AUDIT_READ)
    async with services.db.transaction(actor) as tx:
        page = await list_acts(tx, after=after, action=action)
    acts = [ShownAct(act, {key: _plain(value) for key, value in act.details.items()}) for act in page.items]
    return await render_in_hall("audit.html", request, services, actor, acts=acts, next=page.next, action=action)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else page_data(value)


SETTINGS = [
    show_settings,
    change_profile,
    change_own_password,
    end_own_login,
    end_every_login,
    show_organization_settings,
    change_organization,
    delete_organization,
    show_audit,
]
