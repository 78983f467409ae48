"""Pages: Jinja templates rendered for whoever looks, with their theme, their timezone and a passing message."""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote, unquote
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect
from litestar.serialization import default_serializer
from litestar.types import Serializer
from markupsafe import Markup

from crewhall.faces.plumbing import moments
from crewhall.faces.plumbing.assets import assets, takes_packed
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.counting import counted
from crewhall.kernel.db import Params, Tx

AnyRequest = Request[Any, Any, Any]
Sidebar = Callable[[Services, Actor], Awaitable[object]]

TEMPLATES = Path(__file__).parent.parent / "web" / "templates"
THEME_COOKIE, ZONE_COOKIE, FLASH_COOKIE = "crewhall_theme", "crewhall_zone", "crewhall_flash"
LAST_COOKIE = "crewhall_last"
_YEAR_S = 31_536_000
_KEPT = 20_000
_THEMES = ("light", "dark")
_HTML = "text/html"  # Litestar adds the charset
_FAST, _GZIP = 1, 31
"""How much trouble packing takes, and that the result is framed as gzip is."""
_sidebars: list[Sidebar] = []
_counts: dict[str, tuple[LiteralString, Callable[[Actor], Params]]] = {}


class Packed(Response[str]):
    """A page that travels packed: an eighth of its length, for a twentieth of a millisecond (zlib takes a third)."""

    def render(self, content: Any, media_type: str, enc_hook: Serializer = default_serializer) -> bytes:
        """The packed bytes of the page."""
        from isal import isal_zlib  # not at the start: who is asked for no page needs it not

        return isal_zlib.compress(super().render(content, media_type, enc_hook), _FAST, wbits=_GZIP)


def provide_sidebar(provider: Sidebar) -> None:
    """Say who fills the sidebar of every page (the last domain does: it knows all that is shown there)."""
    _sidebars[:] = [provider]


def provide_count(name: str, sql: LiteralString, values: Callable[[Actor], Params] = lambda _actor: {}) -> None:
    """Say how to count what waits for somebody, under a name, by a statement that gives one number; pages show it."""
    _counts[name] = (sql, values)


async def count_waiting(tx: Tx, actor: Actor) -> dict[str, int]:
    """How much waits for the actor, by name: all of it in one statement."""
    if not _counts:
        return {}
    counts: LiteralString = "), (".join([sql for sql, _ in _counts.values()])
    given: Params = {key: value for _, values in _counts.values() for key, value in values(actor).items()}
    counted = await tx.value("select array[(" + counts + ")]", given)
    return dict(zip(_counts, counted, strict=True))


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(asset=assets.url)
    made.filters.update(hue=moments.hue, initials=moments.initials, stamp=moments.stamp, counted=counted)
    keep_rendered(made, "parts/ui.html", "icon", "dot", "avatar")
    keep_rendered(made, "parts/sidebar_link.html", "conversation_link", "agent_link")
    made.globals["head"] = Markup(made.get_template("parts/head.html").render())  # noqa: S704 - a template's own text
    return made


def keep_rendered(made: Environment, template: str, *macros: str) -> None:
    """Offer macros to every template, each result rendered once and kept. Their arguments are values, never changed."""
    module = made.get_template(template).module
    for name in macros:
        made.globals[name] = lru_cache(maxsize=_KEPT)(getattr(module, name))


environment = _environment()


def zone_of(request: AnyRequest) -> ZoneInfo:
    """The viewer's timezone, which the browser told in a cookie; UTC until it did."""
    return moments.zone_named(told_zone(request) or "")


def told_zone(request: AnyRequest) -> str | None:
    """The name of the timezone that the browser told, None where it told none that is known here."""
    told = unquote(request.cookies.get(ZONE_COOKIE, ""))
    return told if told and moments.zone_named(told).key == told else None


def render(
    template: str, request: AnyRequest, *, status: int = 200, cookies: list[Cookie] | None = None, **context: Any
) -> Response[str]:
    """Render a page from what its template names. A passing message is shown once."""
    flash = _read_flash(request)
    theme = request.cookies.get(THEME_COOKIE, "")
    html = environment.get_template(template).render(
        theme=theme if theme in _THEMES else "",
        flash=flash,
        path=context.pop("path", request.url.path),
        zone=zone_of(request),
        **context,
    )
    given = list(cookies or [])
    if flash:
        given.append(Cookie(FLASH_COOKIE, value="", max_age=0, path="/"))
    sent = {"cache-control": "no-store", "vary": "cookie, accept-encoding"}
    if takes_packed(request):
        sent["content-encoding"] = "gzip"
        return Packed(html, status_code=status, media_type=_HTML, cookies=given, headers=sent)
    return Response(html, status_code=status, media_type=_HTML, cookies=given, headers=sent)


def remember(request: AnyRequest, conversation_id: UUID) -> list[Cookie]:
    """The cookie that leads back to a conversation next time; none when it says so already."""
    if request.cookies.get(LAST_COOKIE) == str(conversation_id):
        return []
    return [Cookie(LAST_COOKIE, value=str(conversation_id), path="/", max_age=_YEAR_S, httponly=True, samesite="lax")]


async def render_in_hall(
    template: str, request: AnyRequest, services: Services, actor: Actor, *, status: int = 200, **context: Any
) -> Response[str]:
    """Render a page with the sidebar, for a signed-in person with an organization."""
    sidebar = await _sidebars[0](services, actor) if _sidebars else None
    return render(template, request, status=status, sidebar=sidebar, viewer=actor, **context)


def go(path: str, message: str | None = None, *, cookies: list[Cookie] | None = None) -> Redirect:
    """Send the browser on after a form, with a passing message."""
    given = list(cookies or [])
    if message:
        given.append(Cookie(FLASH_COOKIE, value=quote(message), max_age=30, path="/", httponly=True, samesite="lax"))
    return Redirect(path, status_code=303, cookies=given)


def _read_flash(request: AnyRequest) -> str | None:
    raw = request.cookies.get(FLASH_COOKIE)
    return unquote(raw)[:300] if raw and _is_looked_at(request) else None


def _is_looked_at(request: AnyRequest) -> bool:
    """Whether the answer is the page that somebody sees next: no part of one, nothing that a script fetches."""
    headers = request.headers
    if "turbo-frame" in headers or "x-sec-purpose" in headers or "sec-purpose" in headers:
        return False
    return "x-turbo-request-id" in headers or headers.get("sec-fetch-dest", "document") == "document"


def page_data(value: object) -> str:
    """JSON that may stand in an attribute."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
