"""The people of the organization: listed, invited, given roles, kept out, removed."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.organization import report
from crewhall.faces.cli.output import minute_of, rows_of, say, say_facts, say_json, say_list, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Invitation, Person

people = typer.Typer(name="people", help="The people of the organization.", no_args_is_help=True)
Handle = Annotated[str, typer.Argument(help="Handle, email or id.")]
InvitationId = Annotated[str, typer.Argument(help="Its id: `crewhall people invitations`.")]


@people.command("list")
def list_people(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="Part of a name, handle or email.")] = None,
    role: Annotated[str | None, typer.Option(help="owner, admin or member.")] = None,
    deactivated: Annotated[bool, typer.Option("--deactivated", help="Who is kept out, for owners and admins.")] = False,
    as_json: Json = False,
) -> None:
    """List the people of the organization."""

    async def work(client: "Client") -> list["Person"]:
        return [person async for person in client.people.list(text=text, role=role, deactivated=deactivated)]

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
    email: Annotated[str | None, typer.Argument(help="Without one, whoever has the link may come.")] = None,
    role: Annotated[str, typer.Option(help="member or admin.")] = "member",
    uses: Annotated[int, typer.Option(help="How many people may join by the link.")] = 1,
    days: Annotated[int | None, typer.Option(help="Days until it ends, 90 at most.")] = None,
    as_json: Json = False,
) -> None:
    """Invite somebody; prints the link."""
    sent = act(context, lambda client: client.people.invite(email, role=role, max_uses=uses, days=days))
    if wants_json(context, as_json):
        say_json(sent)
    else:
        say_facts({"link": sent.link, "role": sent.invitation.role, "until": sent.invitation.expires_at})


@people.command("invitations")
def list_invitations(context: typer.Context, as_json: Json = False) -> None:
    """List the invitations that are neither used up nor withdrawn, newest first."""

    async def work(client: "Client") -> list["Invitation"]:
        return [found async for found in client.people.invitations()]

    found = act(context, work)
    say_list(
        found,
        ("Id", "For", "Role", "Came", "Until"),
        lambda one: [one.id, one.email or "a link", one.role, f"{one.uses} of {one.max_uses}", _until(one.expires_at)],
        "Nobody is invited: `crewhall people invite`.",
        as_json=wants_json(context, as_json),
    )


@people.command("resend")
def resend_invitation(context: typer.Context, invitation: InvitationId, as_json: Json = False) -> None:
    """Send an invitation again; prints its new link, and the one before stops working."""
    sent = act(context, lambda client: client.people.resend(invitation))
    if wants_json(context, as_json):
        say_json(sent)
    else:
        say_facts({"link": sent.link, "role": sent.invitation.role, "until": sent.invitation.expires_at})


@people.command("withdraw")
def withdraw_invitation(context: typer.Context, invitation: InvitationId) -> None:
    """Make the link of an invitation stop working."""
    act(context, lambda client: client.people.withdraw(invitation))
    say("The invitation is withdrawn.")


@people.command("role")
def change_role(
    context: typer.Context,
    person: Handle,
    role: Annotated[str, typer.Argument(help="member or admin.")],
    as_json: Json = False,
) -> None:
    """Change somebody's role."""

    async def work(client: "Client") -> "Person":
        return await client.people.change_role((await client.people.find(person)).id, role)

    report(context, as_json, act(context, work), "{name} is now {role}.")


@people.command("deactivate")
def deactivate_person(context: typer.Context, person: Handle, as_json: Json = False) -> None:
    """Keep somebody out, at once, until they are reactivated."""

    async def work(client: "Client") -> "Person":
        return await client.people.deactivate((await client.people.find(person)).id)

    report(context, as_json, act(context, work), "{name} is deactivated: signed out everywhere, and their agents rest.")


@people.command("reactivate")
def reactivate_person(context: typer.Context, person: Handle, as_json: Json = False) -> None:
    """Let somebody back in, to the role, the conversations and the agents that they had."""

    async def work(client: "Client") -> "Person":
        return await client.people.reactivate((await client.people.find(person, deactivated=True)).id)

    report(context, as_json, act(context, work), "{name} is back as {role}, and has to sign in.")


@people.command("remove")
def remove_person(context: typer.Context, person: Handle, as_json: Json = False) -> None:
    """Take somebody out of the organization."""

    async def work(client: "Client") -> "Person":
        found = await client.people.find(person)
        await client.people.remove(found.id)
        return found

    report(context, as_json, act(context, work), "{name} is no longer in the organization.")


def _until(moment: datetime | None) -> str:
    return minute_of(moment) if moment else ""
