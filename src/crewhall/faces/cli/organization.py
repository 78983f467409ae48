"""Organizations: entered, made, changed, handed over."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import say, say_facts, say_json, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Organization, OwnershipOffer

org = typer.Typer(name="org", help="Organizations you belong to.", no_args_is_help=True)
Handle = Annotated[str, typer.Argument(help="Handle, email or id.")]


@org.command("list")
def list_organizations(context: typer.Context, as_json: Json = False) -> None:
    """List your organizations; a star marks the current one."""

    async def work(client: "Client") -> tuple[list["Organization"], str | None]:
        me = await client.me()
        return [found async for found in client.organizations.list()], me.organization.id if me.organization else None

    found, current = act(context, work)
    if wants_json(context, as_json):
        say_json([{**_fields(each), "current": each.id == current} for each in found])
        return
    rows = [["*" if each.id == current else "", each.slug, each.name, each.role] for each in found]
    say_table(("", "Slug", "Name", "Role"), rows, "You belong to no organization yet: `crewhall org create`.")


@org.command("show")
def show_organization(context: typer.Context, as_json: Json = False) -> None:
    """Show the current organization."""
    me = act(context, lambda client: client.me())
    if wants_json(context, as_json):
        say_json(me.organization)
    elif me.organization is None:
        say("No organization is chosen: `crewhall org switch SLUG`.")
    else:
        say_facts(
            {
                "name": me.organization.name,
                "slug": me.organization.slug,
                "id": me.organization.id,
                "description": me.organization.description or None,
                "plan": me.organization.plan,
                "language": me.organization.locale,
                "timezone": me.organization.timezone,
                "accent": me.organization.accent,
                "your role": me.role,
            }
        )


@org.command("switch")
def switch_organization(
    context: typer.Context, name: Annotated[str, typer.Argument(help="Slug or id.")], as_json: Json = False
) -> None:
    """Make another organization the current one of this login."""

    async def work(client: "Client") -> "Organization":
        return await client.organizations.switch((await client.organizations.find(name)).id)

    report(context, as_json, act(context, work), "You now act for {name}.")


@org.command("create")
def create_organization(
    context: typer.Context,
    name: str,
    slug: Annotated[str | None, typer.Option(help="Made from the name when not given.")] = None,
    as_json: Json = False,
) -> None:
    """Make an organization that you own."""
    made = act(context, lambda client: client.organizations.create(name, slug=slug))
    report(context, as_json, made, "Made {name}. Act for it with `crewhall org switch " + made.slug + "`.")


@org.command("set")
def change_organization(
    context: typer.Context,
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is.")] = None,
    locale: Annotated[str | None, typer.Option(help="How new people's dates are written, as in pt-BR.")] = None,
    timezone: Annotated[str | None, typer.Option(help="The timezone that new people start with.")] = None,
    accent: Annotated[str | None, typer.Option(help="The colour of its pages, as in #5b21b6, or none.")] = None,
    as_json: Json = False,
) -> None:
    """Change the current organization."""
    given = {"name": name, "description": description, "locale": locale, "timezone": timezone, "accent": accent}
    changes = {key: None if value == "none" else value for key, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("Say what to change, by one option or more.")

    async def work(client: "Client") -> "Organization":
        return await client.organizations.update(await _current(client), **changes)

    report(context, as_json, act(context, work), "Changed {name}.")


@org.command("logo")
def change_logo(
    context: typer.Context,
    image: Annotated[
        Path | None,
        typer.Argument(exists=True, dir_okay=False, help="PNG, JPEG, GIF or WebP; without one it is taken away."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Give the current organization a logo, or take it away."""

    async def work(client: "Client") -> "Organization":
        if image is None:
            return await client.organizations.remove_logo(await _current(client))
        return await client.organizations.change_logo(await _current(client), image.read_bytes())

    report(context, as_json, act(context, work), "Changed the logo of {name}.")


@org.command("offer")
def offer_organization(context: typer.Context, person: Handle, as_json: Json = False) -> None:
    """Offer the current organization, which you own, to somebody in it."""

    async def work(client: "Client") -> "OwnershipOffer":
        found = await client.people.find(person)
        return await client.organizations.offer(await _current(client), found.id)

    report(context, as_json, act(context, work), "{person_name} is asked by mail, and owns it when they accept.")


@org.command("accept")
def accept_organization(context: typer.Context, as_json: Json = False) -> None:
    """Become the owner of the current organization, which is offered to you."""

    async def work(client: "Client") -> "Organization":
        return await client.organizations.accept_offer(await _current(client))

    report(context, as_json, act(context, work), "You own {name} now.")


@org.command("decline")
def end_offer(context: typer.Context) -> None:
    """Decline to own the current organization, or take your offer of it back."""

    async def work(client: "Client") -> None:
        await client.organizations.end_offer(await _current(client))

    act(context, work)
    say("The offer is off.")


async def _current(client: "Client") -> str:
    organization = (await client.me()).organization
    if organization is None:
        raise typer.BadParameter("No organization is chosen: `crewhall org switch SLUG`.")
    return organization.id


def report(context: typer.Context, as_json: bool, thing: Any, sentence: str) -> None:
    """Say what was done, in a sentence with the fields of what came of it, or as JSON."""
    if wants_json(context, as_json):
        say_json(thing)
    else:
        say(sentence.format(**_fields(thing)))


def _fields(thing: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(thing)
