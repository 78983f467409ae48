"""What an organization looks like, over HTTP: its logo, its accent, for pages and for programs."""

import re
from uuid import UUID

from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath

from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.routers import page_router
from crewhall.faces.plumbing.services import Services
from crewhall.identity.accents import accent_of
from crewhall.identity.logos import Logos
from crewhall.identity.schemas import Organization
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import NOT_FOUND

FOREVER = "public, max-age=31536000, immutable"
_ACCENT = re.compile(r"([0-9a-f]{6})\.css")


@put(
    "/{org_id:uuid}/logo",
    status_code=200,
    summary="Give an organization a logo",
    description="The body is an image: PNG, JPEG, GIF or WebP, at most 1 MiB. A small copy without metadata is "
    "kept, and shown to everybody, on the page on which one signs in, too.",
)
async def change_logo(
    org_id: FromPath[UUID],
    request: AnyRequest,
    services: NamedDependency[Services],
    person: NamedDependency[Actor],
) -> Organization:
    """For owners and admins."""
    return await services.part(Logos).change(person, org_id, await request.body())


@delete("/{org_id:uuid}/logo", status_code=200, summary="Take an organization's logo away")
async def remove_logo(
    org_id: FromPath[UUID], services: NamedDependency[Services], person: NamedDependency[Actor]
) -> Organization:
    """For owners and admins."""
    return await services.part(Logos).remove(person, org_id)


@get("/brand/logo/{logo_id:uuid}")
async def show_logo(services: NamedDependency[Services], logo_id: FromPath[UUID]) -> Response[bytes]:
    """A logo, for whoever is led to it: pages show it before one signs in."""
    body = await services.part(Logos).read(logo_id)
    return Response(body, media_type="image/webp", headers={"cache-control": FOREVER})


@get("/brand/accent/{sheet:str}", sync_to_thread=False)
def show_accent(sheet: FromPath[str]) -> Response[str]:
    """The stylesheet of an accent, which its address names: the same for everybody, for ever."""
    named = _ACCENT.fullmatch(sheet)
    if named is None:
        raise NOT_FOUND("There is no such colour.")
    css = accent_of(f"#{named[1]}").stylesheet()
    return Response(css, media_type="text/css", headers={"cache-control": FOREVER})


LOGO = [change_logo, remove_logo]
BRAND = page_router([show_logo, show_accent])
