"""Pages of those who are not inside yet: signing in, the first set-up, invitations, forgotten passwords."""

import re
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from crewhall.faces.plumbing.dependencies import address_of, services_of
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.gate import COOKIE
from crewhall.faces.plumbing.pages import go, render, told_zone
from crewhall.faces.plumbing.services import Services
from crewhall.identity.first_run import check_set_up_token, is_set_up, set_up
from crewhall.identity.http_auth import mail_reset, throttle_of
from crewhall.identity.invitations import accept_as_newcomer, accept_as_person, get_open_invitation, show_invitation
from crewhall.identity.logins import StartedLogin, end_login
from crewhall.identity.looks import Looks, find_looks
from crewhall.identity.passwords import confirm_reset, find_reset_owner, sign_in
from crewhall.identity.schemas import Acceptance, Credentials, ResetConfirmation, ResetRequest, SetUp
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect
_OWN_PATH = re.compile(r"/(?!/)[^\\\x00-\x20]*")
"""Browsers read a backslash as a slash and pass over tabs and line ends: either could lead to another site."""
DOOR_COOKIE = "crewhall_door"
DOORS = ("/login", "/reset", "/password-reset")
COOKIE_DAYS = 400
"""As long as browsers keep one: the login behind it slides, and decides."""


def _client(request: AnyRequest) -> dict[str, Any]:
    """What a login remembers of its browser."""
    return {"kind": "browser", "address": address_of(request), "user_agent": request.headers.get("user-agent")}


def _zone(request: AnyRequest) -> dict[str, str]:
    """The timezone of a new account, where the browser told its own."""
    told = told_zone(request)
    return {} if told is None else {"timezone": told}


def _enter(request: AnyRequest, started: StartedLogin, path: str) -> Redirect:
    """Give the browser its session and send it on."""
    session = Cookie(
        COOKIE,
        value=started.session,
        path="/",
        max_age=COOKIE_DAYS * 86400,
        httponly=True,
        samesite="lax",
        secure="https" in {request.scope.get("scheme"), urlsplit(services_of(request).base_url).scheme},
    )
    return go(path, cookies=[session, *door_cookies(started.actor.org_id)])


async def _looks_here(request: AnyRequest, services: Services) -> Looks | None:
    """The looks of where this browser was last; of the only organization, where it was nowhere."""
    try:
        last = UUID(request.cookies.get(DOOR_COOKIE, ""))
    except ValueError:
        last = None
    return await find_looks(services.db, last)


def door_cookies(org_id: UUID | None) -> list[Cookie]:
    """What a browser keeps of where it was last, so that its door looks the same; it opens nothing."""
    if org_id is None:
        return []
    kept: dict[str, Any] = {"max_age": COOKIE_DAYS * 86400, "httponly": True, "samesite": "lax"}
    return [Cookie(DOOR_COOKIE, value=str(org_id), path=path, **kept) for path in DOORS]


def own_path(path: str | None) -> str:
    """The path to go on to, when it is one of ours."""
    return path if path and _OWN_PATH.fullmatch(path) else "/"


@get("/login")
async def show_sign_in(
    request: AnyRequest,
    services: NamedDependency[Services],
    guest: NamedDependency[Actor | None],
    next: FromQuery[str | None] = None,  # noqa: A002 - the name in the address
) -> Page:
    """The sign-in form; before the first set-up, what to do instead."""
    if guest is not None:
        return go(own_path(next))
    if not await is_set_up(services.db):
        return render("setup_wait.html", request)
    looks = await _looks_here(request, services)
    return render("login.html", request, form=Form(), next=own_path(next), looks=looks)


@post("/login")
async def sign_in_here(request: AnyRequest, services: NamedDependency[Services]) -> Page:
    """Sign in and go on to where one wanted to be."""
    form = await read_form(request)
    settings = services.settings_of(IdentitySettings)
    try:
        credentials = form.read(Credentials, "email", "password")
        started = await sign_in(services.db, throttle_of(services), settings, credentials, **_client(request))
    except CrewhallError as error:
        form.refuse(error)
        return render(
            "login.html",
            request,
            status=error.kind.status,
            form=form,
            next=own_path(form.values.get("next")),
            looks=await _looks_here(request, services),
        )
    return _enter(request, started, own_path(form.values.get("next")))


@post("/logout")
async def sign_out(services: NamedDependency[Services], guest: NamedDependency[Actor | None]) -> Redirect:
    """End this browser's login."""
    if guest is not None and guest.credential_id is not None:
        async with services.db.transaction(guest) as tx:
            await end_login(tx, guest, guest.credential_id)
    return go("/login", "You are signed out.", cookies=[Cookie(COOKIE, value="", path="/", max_age=0, httponly=True)])


@get("/setup")
async def show_set_up(request: AnyRequest, services: NamedDependency[Services], token: FromQuery[str] = "") -> Page:
    """The form of the first person."""
    if not token and not await is_set_up(services.db):
        return render("setup_wait.html", request)
    await check_set_up_token(services.db, token)
    return render("setup.html", request, form=Form(), token=token)


@post("/setup")
async def set_up_here(request: AnyRequest, services: NamedDependency[Services]) -> Page:
    """Make the first person and their organization, and let them in."""
    form = await read_form(request)
    settings = services.settings_of(IdentitySettings)
    try:
        asked = form.read(SetUp, "token", "email", "password", "name", "organization", **_zone(request))
        started = await set_up(services.db, throttle_of(services), settings, asked, **_client(request))
    except CrewhallError as error:
        form.refuse(error)
        return render("setup.html", request, status=error.kind.status, form=form, dead=False, token=form.v("token"))
    return _enter(request, started, "/")


@get("/invitation")
async def show_own_invitation(
    request: AnyRequest,
    services: NamedDependency[Services],
    guest: NamedDependency[Actor | None],
    token: FromQuery[str] = "",
) -> Page:
    """What the invitation's holder sees before accepting."""
    return await _invitation_page(request, services, guest, token, Form())


@post("/invitation")
async def accept_invitation(
    request: AnyRequest, services: NamedDependency[Services], guest: NamedDependency[Actor | None]
) -> Page:
    """Join: with one's account when signed in, else with a new one."""
    form = await read_form(request)
    token = form.v("token")
    try:
        if guest is not None:
            await accept_as_person(services.db, guest, token)
            return go("/", "Welcome.")
        acceptance = form.read(Acceptance, "token", "email", "name", "password", **_zone(request))
        settings = services.settings_of(IdentitySettings)
        started = await accept_as_newcomer(services.db, throttle_of(services), settings, acceptance, **_client(request))
    except CrewhallError as error:
        form.refuse(error)
        return await _invitation_page(request, services, guest, token, form, status=error.kind.status)
    return _enter(request, started, "/")


async def _invitation_page(
    request: AnyRequest, services: Services, guest: Actor | None, token: str, form: Form, *, status: int = 200
) -> Page:
    found = await get_open_invitation(services.db, token)
    invitation, looks = show_invitation(found), await find_looks(services.db, found.org_id)
    back = quote(f"/invitation?token={token}", safe="")
    return render(
        "invite.html",
        request,
        status=status,
        form=form,
        invitation=invitation,
        token=token,
        viewer=guest,
        back=back,
        looks=looks,
    )


@get("/reset")
async def show_reset(request: AnyRequest, services: NamedDependency[Services]) -> Page:
    """The form of those who forgot their password."""
    return render("reset.html", request, form=Form(), looks=await _looks_here(request, services))


@post("/reset")
async def ask_for_reset(request: AnyRequest, services: NamedDependency[Services]) -> Page:
    """Says the same whether there is such an account or not."""
    form = await read_form(request)
    try:
        asked = form.read(ResetRequest, "email")
        mail_reset(services, address_of(request), asked.email)
    except CrewhallError as error:
        form.refuse(error)
        looks = await _looks_here(request, services)
        return render("reset.html", request, status=error.kind.status, form=form, looks=looks)
    return go("/login", "If there is an account with this email, a link is on its way to it.")


@get("/password-reset")
async def show_new_password(
    request: AnyRequest, services: NamedDependency[Services], token: FromQuery[str] = ""
) -> Page:
    """The form behind the mailed link, or that the link is dead, before anybody thinks of a password."""
    form = Form()
    looks = await _looks_here(request, services)
    try:
        await find_reset_owner(services.db, token)
    except CrewhallError as error:
        form.refuse(error)
        return render("reset_confirm.html", request, status=error.kind.status, form=form, dead=True, looks=looks)
    return render("reset_confirm.html", request, form=form, dead=False, token=token, looks=looks)


@post("/password-reset")
async def set_new_password(request: AnyRequest, services: NamedDependency[Services]) -> Page:
    """Set the new password; every login of the person ends."""
    form = await read_form(request)
    try:
        confirmation = form.read(ResetConfirmation, "token", "password")
        await confirm_reset(services.db, throttle_of(services), confirmation, address=address_of(request))
    except CrewhallError as error:
        form.refuse(error)
        return render(
            "reset_confirm.html",
            request,
            status=error.kind.status,
            form=form,
            dead=False,
            token=form.v("token"),
            looks=await _looks_here(request, services),
        )
    return go("/login", "The new password is set. Sign in with it.")


DOOR = [
    show_sign_in,
    sign_in_here,
    sign_out,
    show_set_up,
    set_up_here,
    show_own_invitation,
    accept_invitation,
    show_reset,
    ask_for_reset,
    show_new_password,
    set_new_password,
]
