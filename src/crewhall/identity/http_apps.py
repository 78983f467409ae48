"""What apps read and ask for at the root, as MCP's authorization has it; none of it is part of the API.

Metadata of the door (RFC 9728) and of this server as the one that lets people decide (RFC 8414), registration
(RFC 7591), tokens (OAuth 2.1, 3.2) and their revocation (RFC 7009).
"""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from crewhall.faces.plumbing.dependencies import address_of
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity.app_documents import Described
from crewhall.identity.app_errors import OAuthRefusal
from crewhall.identity.app_logins import AppTokens, exchange_code, refresh_app, revoke_app_token
from crewhall.identity.app_requests import SCOPES
from crewhall.identity.apps import known_app, register_app
from crewhall.identity.audience import MCP_PATH, Audience
from crewhall.identity.http_auth import throttle_of
from crewhall.identity.settings import IdentitySettings
from crewhall.kernel.clock import utc_now

AnyRequest = Request[Any, Any, Any]
Answer = Response[dict[str, Any]] | Response[AppTokens] | Response[None]
RESOURCE, SERVER = "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server"
FRESH = {"cache-control": "public, max-age=300"}
SECRET = {"cache-control": "no-store", "pragma": "no-cache"}


def issuer_of(request: AnyRequest, services: Services) -> str:
    """This server, as whoever asks knows it."""
    return Audience(services.base_url).origin_at(request.headers.get("host", ""))


@get([RESOURCE, RESOURCE + MCP_PATH])
async def show_resource(request: AnyRequest, services: NamedDependency[Services]) -> Response[dict[str, Any]]:
    """The MCP door, and who lets in to it (RFC 9728)."""
    issuer = issuer_of(request, services)
    shown = {
        "resource": issuer + MCP_PATH,
        "resource_name": "Crewhall",
        "authorization_servers": [issuer],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_documentation": f"{issuer}/help/mcp",
    }
    return Response(shown, headers=FRESH)


@get(SERVER)
async def show_server(request: AnyRequest, services: NamedDependency[Services]) -> Response[dict[str, Any]]:
    """Where to ask, register and redeem (RFC 8414)."""
    issuer = issuer_of(request, services)
    shown = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "registration_endpoint": f"{issuer}/oauth/register",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": list(SCOPES),
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "service_documentation": f"{issuer}/help/mcp",
    }
    return Response(shown, headers=FRESH)


@post("/oauth/register")
async def register(request: AnyRequest, services: NamedDependency[Services]) -> Answer:
    """An app says who it is, and gets an id by which people can let it in (RFC 7591). It gets no secret."""
    throttle_of(services).check_app(address_of(request))
    try:
        said = msgspec.json.decode(await request.body(), type=Described)
        async with services.db.transaction(None) as tx:
            app = await register_app(tx, said, kept_days=services.settings_of(IdentitySettings).app_days)
    except OAuthRefusal as refusal:
        return _refused(refusal)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _refused(OAuthRefusal("invalid_client_metadata", "The body is no JSON of the expected shape."))
    shown = {
        "client_id": app.id,
        "client_id_issued_at": int(utc_now().timestamp()),
        "client_name": app.name,
        "redirect_uris": app.redirect_uris,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": " ".join(SCOPES),
    }
    return Response(shown, status_code=201, headers=SECRET)


@post("/oauth/token")
async def redeem(request: AnyRequest, services: NamedDependency[Services]) -> Answer:
    """Tokens for a code or a refresh token (OAuth 2.1, 3.2)."""
    settings, address = services.settings_of(IdentitySettings), address_of(request)
    try:
        given = await _given(request)
        app_id = await _app_of(services, given)
        match given.get("grant_type"):
            case "authorization_code":
                tokens = await exchange_code(
                    services.db,
                    settings,
                    app_id=app_id,
                    code=_needed(given, "code"),
                    verifier=_needed(given, "code_verifier"),
                    redirect_uri=given.get("redirect_uri"),
                    resource=_resource(services, given),
                    address=address,
                )
            case "refresh_token":
                token, resource = _needed(given, "refresh_token"), _resource(services, given)
                tokens = await refresh_app(
                    services.db, settings, app_id=app_id, token=token, resource=resource, address=address
                )
            case _:
                raise OAuthRefusal("unsupported_grant_type", "Known are authorization_code and refresh_token.")
    except OAuthRefusal as refusal:
        return _refused(refusal)
    return Response(tokens, status_code=200, headers=SECRET)


@post("/oauth/revoke")
async def revoke(request: AnyRequest, services: NamedDependency[Services]) -> Answer:
    """The app gives its access back (RFC 7009)."""
    try:
        given = await _given(request)
        token, app_id = _needed(given, "token"), await _app_of(services, given)
        await revoke_app_token(services.db, app_id=app_id, token=token, address=address_of(request))
    except OAuthRefusal as refusal:
        return _refused(refusal)
    return Response(None, status_code=200, headers=SECRET)


async def _given(request: AnyRequest) -> dict[str, str]:
    """The parameters of a form, none of them twice (RFC 6749, 3.2)."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise OAuthRefusal("invalid_request", "Send the parameters as application/x-www-form-urlencoded.")
    form = await request.form()
    return only_once(list(form.multi_items()))


def only_once(items: list[tuple[str, Any]]) -> dict[str, str]:
    """The parameters by name; refuses one that is there twice. An empty one is none."""
    given: dict[str, str] = {}
    for name, value in items:
        if name in given:
            raise OAuthRefusal("invalid_request", "A parameter is there twice.")
        given[name] = str(value)
    return {name: value for name, value in given.items() if value and "\0" not in value}


def _needed(given: dict[str, str], name: str) -> str:
    if name not in given:
        raise OAuthRefusal("invalid_request", f"{name} is needed.")
    return given[name]


async def _app_of(services: Services, given: dict[str, str]) -> str:
    """The id of the app that asks: it proves nothing, what it redeems does."""
    app_id = _needed(given, "client_id")
    if await known_app(services.db, app_id) is None:
        raise OAuthRefusal("invalid_client", "This app is not known here. It has to register again.", 401)
    return app_id


def _resource(services: Services, given: dict[str, str]) -> str | None:
    asked = given.get("resource")
    if asked is None:
        return None
    found = Audience(services.base_url).read(asked)
    if found is None:
        raise OAuthRefusal("invalid_target", "The resource is none of this server's.")
    return found


def _refused(refusal: OAuthRefusal) -> Response[dict[str, Any]]:
    return Response(dict(refusal.body), status_code=refusal.status, headers=SECRET)


OAUTH = page_router([show_resource, show_server, register, redeem, revoke])
