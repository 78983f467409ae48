"""Signing in and out over HTTP: passwords, tokens, resets, the first set-up."""

from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import JSONBody

from crewhall.faces.plumbing.dependencies import address_of, only_people
from crewhall.faces.plumbing.gate import COOKIE
from crewhall.faces.plumbing.routers import api_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity.accounts import get_profile
from crewhall.identity.errands import Errands
from crewhall.identity.first_run import set_up
from crewhall.identity.logins import StartedLogin, end_all_logins, end_login, refresh_login
from crewhall.identity.organizations import get_organization, list_organizations
from crewhall.identity.passwords import change_password, confirm_reset, send_reset, sign_in
from crewhall.identity.schemas import (
    Credentials,
    PasswordChange,
    RefreshToken,
    ResetAsked,
    ResetConfirmation,
    ResetRequest,
    SetUp,
    SignedIn,
    Tokens,
)
from crewhall.identity.settings import IdentitySettings
from crewhall.identity.throttle import Throttle
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CONFLICT
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]


def throttle_of(services: Services) -> Throttle:
    """The limits of this process, with the settings of identity."""
    return Throttle(services.limiter, services.settings_of(IdentitySettings))


async def show_login(services: Services, started: StartedLogin) -> SignedIn:
    """What a client is told when it has signed in."""
    if started.tokens is None:
        raise LookupError("a browser's login has no tokens to show")
    actor, tokens = started.actor, started.tokens
    async with services.db.transaction(actor) as tx:
        return SignedIn(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            token_type=tokens.token_type,
            expires_in=tokens.expires_in,
            user=await get_profile(tx, actor),
            organizations=(await list_organizations(tx, limit=MAX_LIMIT)).items,
            organization=await get_organization(tx, actor.org_id) if actor.org_id else None,
        )


@post("/login", status_code=200, summary="Sign in with email and password")
async def log_in(services: NamedDependency[Services], request: AnyRequest, data: JSONBody[Credentials]) -> SignedIn:
    """Answers the same, in the same time, for an unknown email and a wrong password."""
    started = await sign_in(
        services.db,
        throttle_of(services),
        services.settings_of(IdentitySettings),
        data,
        kind="token",
        address=address_of(request),
        user_agent=request.headers.get("user-agent"),
    )
    return await show_login(services, started)


@post("/refresh", status_code=200, summary="Exchange a refresh token for fresh tokens")
async def refresh(services: NamedDependency[Services], request: AnyRequest, data: JSONBody[RefreshToken]) -> Tokens:
    """A refresh token works once; using one again ends its login."""
    settings = services.settings_of(IdentitySettings)
    return await refresh_login(services.db, settings, data.refresh_token, address=address_of(request))


@post("/logout", status_code=204, summary="Sign out here")
async def log_out(services: NamedDependency[Services], guest: NamedDependency[Actor | None]) -> Response[None]:
    """End the login that asks, or the personal token."""
    person = only_people(guest)
    if person.credential_id is None:
        raise CONFLICT("This request was not made by a login.")
    async with services.db.transaction(person) as tx:
        await end_login(tx, person, person.credential_id)
    return _signed_out()


@post("/logout-everywhere", status_code=204, summary="Sign out everywhere")
async def log_out_everywhere(services: NamedDependency[Services], person: NamedDependency[Actor]) -> Response[None]:
    """End every login of the person, this one too."""
    async with services.db.transaction(person) as tx:
        await end_all_logins(tx, person)
    return _signed_out()


def _signed_out() -> Response[None]:
    return Response(None, status_code=204, cookies=[Cookie(COOKIE, value="", path="/", max_age=0, httponly=True)])


@post("/password", status_code=204, summary="Change the own password")
async def change_own_password(
    services: NamedDependency[Services], person: NamedDependency[Actor], data: JSONBody[PasswordChange]
) -> None:
    """Every other login of the person ends."""
    await change_password(services.db, throttle_of(services), person, data)


def mail_reset(services: Services, address: str | None, email: str) -> None:
    """Mail a reset link behind the answer, if there is such an account; raises TOO_MANY_REQUESTS only."""
    throttle_of(services).check_reset(address, email.strip().lower())
    settings = services.settings_of(IdentitySettings)
    mail = send_reset(services.db, settings, services.mailer, services.base_url, email)
    services.part(Errands).run(mail, "mailing a password reset")


@post("/password-reset", status_code=202, summary="Ask for a mail that resets the password")
async def ask_for_reset(
    services: NamedDependency[Services], request: AnyRequest, data: JSONBody[ResetRequest]
) -> ResetAsked:
    """Answers the same whether there is such an account or not."""
    mail_reset(services, address_of(request), data.email)
    return ResetAsked()


@post("/password-reset/confirm", status_code=204, summary="Choose a new password by a mailed link")
async def confirm_password_reset(
    services: NamedDependency[Services], request: AnyRequest, data: JSONBody[ResetConfirmation]
) -> None:
    """Works once; every login of the person ends."""
    await confirm_reset(services.db, throttle_of(services), data, address=address_of(request))


@post("/setup", summary="Make the first owner")
async def set_up_installation(
    services: NamedDependency[Services], request: AnyRequest, data: JSONBody[SetUp]
) -> SignedIn:
    """Works once, with the token of the link that `crewhall` prints."""
    started = await set_up(
        services.db,
        throttle_of(services),
        services.settings_of(IdentitySettings),
        data,
        kind="token",
        address=address_of(request),
        user_agent=request.headers.get("user-agent"),
    )
    return await show_login(services, started)


DOOR = api_router(
    "/auth",
    [log_in, refresh, ask_for_reset, confirm_password_reset, set_up_installation],
    tags=["Auth"],
    for_guests=True,
)
AUTH = api_router("/auth", [log_out, log_out_everywhere, change_own_password], tags=["Auth"])
