"""Organizations and the people in them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import rows_of, say, say_facts, say_json, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Organization, Person

org = typer.Typer(name="org", help="Organizations you belong to.", no_args_is_help=True)
people = typer.Typer(name="people", help="The people of the organization.", no_args_is_help=True)
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

    _report(context, as_json, act(context, work), "You now act for {name}.")


@org.command("create")
def create_organization(
    context: typer.Context,
    name: str,
    slug: Annotated[str | None, typer.Option(help="Made from the name when not given.")] = None,
    as_json: Json = False,
) -> None:
    """Make an organization that you own."""
    made = act(context, lambda client: client.organizations.create(name, slug=slug))
    _report(context, as_json, made, "Made {name}. Act for it with `crewhall org switch " + made.slug + "`.")


@people.command("list")
def list_people(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="Part of a name, handle or email.")] = None,
    as_json: Json = False,
) -> None:
    """List the people of the organization."""

    async def work(client: "Client") -> list["Person"]:
        return [person async for person in client.people.list(text=text)]

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
    else:
        say_table(
            ("Handle", "Name", "Email", "Role", "Joined"),
            rows_of(found, "handle", "name", "email", "role", "joined_at"),
        )


@people.command("invite")
def invite(
    context: typer.Context,
    email: Annotated[str | None, typer.Argument(help="Without one, whoever has the link may come, once.")] = None,
    role: Annotated[str, typer.Option(help="member or admin.")] = "member",
    as_json: Json = False,
) -> None:
    """Invite somebody; prints the link."""
    sent = act(context, lambda client: client.people.invite(email, role=role))
    if wants_json(context, as_json):
        say_json(sent)
    else:
        say_facts({"link": sent.link, "role": sent.invitation.role, "until": sent.invitation.expires_at})


@people.command("role")
def change_role(
    context: typer.Context,
    person: Handle,
    role: Annotated[str, typer.Argument(help="member, admin or owner (which hands the organization over).")],
    as_json: Json = False,
) -> None:
    """Change somebody's role."""

    async def work(client: "Client") -> "Person":
        return await client.people.change_role((await client.people.find(person)).id, role)

    _report(context, as_json, act(context, work), "{name} is now {role}.")


@people.command("remove")
def remove_person(context: typer.Context, person: Handle, as_json: Json = False) -> None:
    """Take somebody out of the organization."""

    async def work(client: "Client") -> "Person":
        found = await client.people.find(person)
        await client.people.remove(found.id)
        return found

    _report(context, as_json, act(context, work), "{name} is no longer in the organization.")


def _report(context: typer.Context, as_json: bool, thing: Any, sentence: str) -> None:
    if wants_json(context, as_json):
        say_json(thing)
    else:
        say(sentence.format(**_fields(thing)))


def _fields(thing: Any) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(thing)
