"""The page on which a person decides about an app, and the apps on the page of one's own settings."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import go, render
from crewhall.faces.plumbing.services import Services
from crewhall.identity import organizations
from crewhall.identity.app_documents import AppDocuments, host_of
from crewhall.identity.app_errors import OAuthRefusal
from crewhall.identity.app_logins import is_let_in, let_in, shut_out
from crewhall.identity.app_requests import ASKED, READ, WRITE, Ask, answered, read_ask, read_redirect
from crewhall.identity.apps import AppSource, find_app
from crewhall.identity.audience import Audience
from crewhall.identity.http_apps import issuer_of, only_once
from crewhall.identity.http_auth import throttle_of
from crewhall.identity.redirects import is_on_this_computer, shown_address
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import INVALID, NOT_FOUND
from crewhall.kernel.paging import MAX_LIMIT

AnyRequest = Request[Any, Any, Any]
Page = Response[str] | Redirect


@get("/oauth/authorize")
async def ask_person(request: AnyRequest, services: NamedDependency[Services], person: NamedDependency[Actor]) -> Page:
    """Put what an app asks for before the person (OAuth 2.1, 4.1.1)."""
    try:
        given = only_once(list(request.query_params.multi_items()))
    except OAuthRefusal as refusal:
        raise INVALID(refusal.sentence) from refusal
    ask = await _read(request, services, person, given)
    return ask if isinstance(ask, Response | Redirect) else await _consent(request, services, person, ask, given)


@post("/oauth/authorize")
async def decide(request: AnyRequest, services: NamedDependency[Services], person: NamedDependency[Actor]) -> Page:
    """The person let the app in, or not. What the app asked for is read again: the form vouches for nothing."""
    form = await read_form(request)
    given = {name: form.values[name] for name in ASKED if form.values.get(name)}
    ask = await _read(request, services, person, given)
    if isinstance(ask, Response | Redirect):
        return ask
    issuer = issuer_of(request, services)
    if form.v("decision") != "let_in":
        said = {"error": "access_denied", "error_description": "The person said no."}
        return _back(request, ask.redirect_uri, answered(ask.redirect_uri, ask.state, issuer, **said))
    scopes = [READ, WRITE] if WRITE in ask.scopes and form.v("write") else [READ]
    try:
        org_id = UUID(form.v("organization"))
    except ValueError as error:
        raise INVALID("Choose one of your organizations.", field="organization") from error
    async with services.db.transaction(person) as tx:
        code = await let_in(tx, person, ask, org_id, scopes)
    return _back(request, ask.redirect_uri, answered(ask.redirect_uri, ask.state, issuer, code=code))


async def _read(request: AnyRequest, services: Services, person: Actor, given: Mapping[str, str]) -> Ask | Page:
    """What the app asks for; or a page that says what is wrong with it, to the person, or to the app through them."""
    app_id = given.get("client_id")
    if app_id and app_id.startswith("https://"):
        throttle_of(services).check_app(str(person.id))
    try:
        kept_days = services.settings_of(IdentitySettings).app_days
        app = await find_app(services.db, services.part(AppDocuments), app_id, kept_days=kept_days)
        redirect_uri = read_redirect(app, given)
    except OAuthRefusal as refusal:
        status = 404 if refusal.code == "invalid_client" else 422
        return render("app_refused.html", request, status=status, code=refusal.code, sentence=refusal.sentence)
    try:
        return read_ask(app, redirect_uri, given, Audience(services.base_url))
    except OAuthRefusal as refusal:
        state = given.get("state")
        issuer = issuer_of(request, services)
        async with services.db.transaction(person) as tx:
            is_known = await is_let_in(tx, person, app.id)
        # Else a link to us would send whoever is signed in to wherever anybody's app says (RFC 9700, 4.11.2).
        stays = None if is_known else refusal.sentence
        return _back(request, redirect_uri, answered(redirect_uri, state, issuer, **refusal.body), stays=stays)


async def _consent(
    request: AnyRequest, services: Services, person: Actor, ask: Ask, given: Mapping[str, str]
) -> Response[str]:
    async with services.db.transaction(person) as tx:
        found = (await organizations.list_organizations(tx, limit=MAX_LIMIT)).items
    if not found:
        raise NOT_FOUND("You belong to no organization that an app could be let in to.")
    return render(
        "app_ask.html",
        request,
        app=ask.app,
        vouched=host_of(ask.app.id) if ask.app.source is AppSource.DOCUMENT else None,
        leads_to=shown_address(ask.redirect_uri),
        host=urlsplit(ask.redirect_uri).netloc,
        on_this_computer=is_on_this_computer(ask.redirect_uri),
        may_write=WRITE in ask.scopes,
        organizations=[(str(one.id), one.name) for one in found],
        chosen=str(person.org_id or found[0].id),
        asked={name: given[name] for name in ASKED if name in given},
        viewer=person,
    )


def _back(request: AnyRequest, redirect_uri: str, url: str, *, stays: str | None = None) -> Response[str]:
    """A page that leads back to the app by itself; by its link alone where it `stays`, and says why.

    A redirect would not do: browsers hold redirects of a form to the page's own policy, which names no other site.
    """
    site = urlsplit(redirect_uri)
    return render(
        "app_back.html",
        request,
        url=url,
        leads_to=shown_address(redirect_uri),
        is_web=site.scheme == "https",
        stays=stays,
    )


@post("/settings/apps/{login_id:uuid}/shut-out")
async def shut_app_out(
    services: NamedDependency[Services], actor: NamedDependency[Actor], login_id: FromPath[UUID]
) -> Redirect:
    """Take an app's access back; it stops within a second."""
    async with services.db.transaction(actor) as tx:
        await shut_out(tx, actor, login_id)
    return go("/settings#apps", "The app is shut out.")


APPS = [ask_person, decide, shut_app_out]
