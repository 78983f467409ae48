"""Personal tokens on the page of one's own settings."""

from uuid import UUID

from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from crewhall.faces.plumbing.forms import read_form
from crewhall.faces.plumbing.pages import go
from crewhall.faces.plumbing.services import Services
from crewhall.identity.pages_settings import AnyRequest, Page, settings_page
from crewhall.identity.personal_tokens import make_personal_token, revoke_personal_token
from crewhall.identity.schemas import NewPersonalToken
from crewhall.kernel.actor import Actor
from crewhall.kernel.errors import CrewhallError


@post("/settings/tokens")
async def make_token(request: AnyRequest, services: NamedDependency[Services], actor: NamedDependency[Actor]) -> Page:
    """Make a token, and show it this once."""
    form = await read_form(request)
    try:
        data = form.read(NewPersonalToken, "name", expires_in_days=form.v("expires_in_days", 90))
        async with services.db.transaction(actor) as tx:
            made = await make_personal_token(tx, actor, data)
    except CrewhallError as error:
        if error.fields.get("field") == "name":
            form.values["token_name"] = form.v("name")
            error.fields["field"] = "token_name"
        form.refuse(error)
        return await settings_page(request, services, actor, token_form=form, status=error.kind.status)
    return await settings_page(request, services, actor, new_token=made.token, status=201)


@post("/settings/tokens/{token_id:uuid}/revoke")
async def revoke_token(
    services: NamedDependency[Services], actor: NamedDependency[Actor], token_id: FromPath[UUID]
) -> Redirect:
    """Revoke one of one's own tokens; it stops within a second."""
    async with services.db.transaction(actor) as tx:
        await revoke_personal_token(tx, actor, token_id)
    return go("/settings", "The token is revoked.")


TOKENS = [make_token, revoke_token]
