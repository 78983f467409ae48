"""The page on which an organization chooses what it looks like."""

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.response import Redirect

from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.forms import Form, read_form
from crewhall.faces.plumbing.pages import go, render_in_hall
from crewhall.faces.plumbing.services import Services
from crewhall.identity import organizations
from crewhall.identity.accents import accent_of
from crewhall.identity.logos import Logos
from crewhall.identity.permissions import Permission, check_permission
from crewhall.identity.schemas import OrganizationChange
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError

Page = Response[str] | Redirect
PATH = "/settings/looks"
OWN = "#1c6b4f"
"""Near to what pages look like without an accent of the organization's."""


async def _looks_page(
    request: AnyRequest, services: Services, actor: Actor, *, form: Form | None = None, status: int = 200
) -> Response[str]:
    check_permission(actor, Permission.SETTINGS_READ)
    async with services.db.transaction(actor) as tx:
        organization = await organizations.get_organization(tx, actor.org)
    accent = accent_of(organization.accent) if organization.accent else None
    return await render_in_hall(
        "settings_looks.html",
        request,
        services,
        actor,
        status=status,
        organization=organization,
        is_changed=accent is not None and accent.is_changed,
        own=OWN,
        form=form or Form(),
    )


@get(PATH)
async def show_looks(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Logo and accent, for owners and admins."""
    return await _looks_page(request, services, actor)


@post(f"{PATH}/accent")
async def change_accent(
    request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Page:
    """Choose the accent, or go back to Crewhall's own."""
    form = await read_form(request)
    try:
        change = (
            OrganizationChange(accent=None) if form.values.get("reset") else form.read(OrganizationChange, "accent")
        )
        async with services.db.transaction(actor) as tx:
            await organizations.update_organization(tx, actor, change)
    except CrewhallError as error:
        form.refuse(error)
        return await _looks_page(request, services, actor, form=form, status=error.kind.status)
    return go(PATH, "Saved.")


@post(f"{PATH}/logo")
async def change_logo(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Choose the logo."""
    sent = (await request.form()).get("logo")
    form = Form({"logo": ""})
    try:
        image = await sent.read() if isinstance(sent, UploadFile) else b""
        await services.part(Logos).change(actor, actor.org, image)
    except CrewhallError as error:
        error.fields.setdefault("field", "logo")
        form.refuse(error)
        return await _looks_page(request, services, actor, form=form, status=error.kind.status)
    return go(PATH, "Saved.")


@post(f"{PATH}/logo/remove")
async def remove_logo(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Redirect:
    """Take the logo away."""
    await services.part(Logos).remove(actor, actor.org)
    return go(PATH, "The logo is gone.")


LOOKS = [show_looks, change_accent, change_logo, remove_logo]
