"""Channels and who is in them."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, rows_of, say, say_json, say_list, say_table

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Conversation, Member

channel = typer.Typer(name="channel", help="Channels.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The channel's name, or the id of any conversation.")]


@channel.command("list")
def list_channels(
    context: typer.Context,
    mine: Annotated[bool, typer.Option("--mine", help="Only those joined.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Groups and direct conversations too.")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones instead.")] = False,
    as_json: Json = False,
) -> None:
    """List channels with what is new in them."""

    async def work(client: "Client") -> list["Conversation"]:
        kind = None if every else "channel"
        status = "archived" if archived else None
        listed = client.conversations.list(kind=kind, member="me" if mine else None, status=status)
        return [found async for found in listed]

    found = act(context, work)
    say_list(
        found,
        ("Name", "Type", "New", "Joined", "Active", "Id"),
        lambda each: [
            each.label,
            each.type,
            _new_in(each),
            "yes" if each.is_member else "",
            ago(each.last_active_at),
            each.id,
        ],
        as_json=wants_json(context, as_json),
    )


def _new_in(conversation: "Conversation") -> str:
    return f"{conversation.unread or ''}" + ("+" if conversation.unread_capped else "")


@channel.command("create")
def create_channel(
    context: typer.Context,
    name: str,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    private: Annotated[bool, typer.Option("--private", help="Only members see it.")] = False,
    as_json: Json = False,
) -> None:
    """Open a channel."""
    bare = name.removeprefix("#")
    made = act(
        context, lambda client: client.conversations.create_channel(bare, description=description, private=private)
    )
    _report(context, as_json, made, "Opened")


@channel.command("join")
def join_channel(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Join a public channel."""

    async def work(client: "Client") -> "Conversation":
        found = await client.conversations.find(name)
        await client.conversations.join(found.id)
        return await client.conversations.get(found.id)

    _report(context, as_json, act(context, work), "Joined")


@channel.command("leave")
def leave_channel(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Leave a channel or group."""

    async def work(client: "Client") -> "Conversation":
        found = await client.conversations.find(name)
        await client.conversations.leave(found.id)
        return found

    _report(context, as_json, act(context, work), "Left")


@channel.command("members")
def list_members(
    context: typer.Context,
    name: Name,
    add: Annotated[list[str] | None, typer.Option(help="Add @handle or @code first; may be given again.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="Remove @handle or @code first; may be given again.")] = None,
    owner: Annotated[str | None, typer.Option(help="Make @handle or @code, a member, the owner first.")] = None,
    as_json: Json = False,
) -> None:
    """List the people and agents of a channel or group; add or remove some, or hand it over, first."""

    async def work(client: "Client") -> list["Member"]:
        found = await client.conversations.find(name)
        for who in add or ():
            await client.conversations.add_member(found.id, *await find_somebody(client, who))
        for who in remove or ():
            await client.conversations.remove_member(found.id, *await find_somebody(client, who))
        if owner:
            await client.conversations.hand_over(found.id, *await find_somebody(client, owner))
        return [member async for member in client.conversations.members(found.id)]

    members = act(context, work)
    if wants_json(context, as_json):
        say_json(members)
    else:
        rows = rows_of(members, "handle", "name", "member_type", "role", "joined_at")
        by = [member.added_by.name if member.added_by else "" for member in members]
        columns = ("Handle", "Name", "Type", "Role", "Joined", "Added by")
        say_table(columns, [[*row, who] for row, who in zip(rows, by, strict=True)])


@channel.command("update")
def update_channel(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str | None, typer.Option("--name", help="Another name, of a channel.")] = None,
    title: Annotated[str | None, typer.Option(help="Another title, of a group.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    private: Annotated[
        bool | None, typer.Option("--private/--public", help="Only members see it, or everybody does.")
    ] = None,
    keep_open: Annotated[
        bool | None, typer.Option("--keep-open/--let-archive", help="Whether a group never archives itself.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a channel or group; what is not given stays."""
    kind = None if private is None else "private" if private else "public"
    asked = {"name": new_name, "title": title, "description": description, "type": kind, "stays_open": keep_open}
    changes = {field: value for field, value in asked.items() if value is not None}
    if not changes:
        raise typer.BadParameter(
            "Say what to change: --name, --title, --description, --private or --public, --keep-open or --let-archive."
        )

    async def work(client: "Client") -> "Conversation":
        found = await client.conversations.find(name)
        return await client.conversations.update(found.id, **changes)

    _report(context, as_json, act(context, work), "Changed")


@channel.command("archive")
def archive_channel(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Archive a channel: it stays readable and takes no more messages until it is restored."""

    async def work(client: "Client") -> "Conversation":
        found = await client.conversations.find(name)
        return await client.conversations.archive(found.id)

    _report(context, as_json, act(context, work), "Archived")


@channel.command("restore")
def restore_channel(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let an archived channel take messages again."""

    async def work(client: "Client") -> "Conversation":
        found = await client.conversations.find(name, status="archived")
        return await client.conversations.restore(found.id)

    _report(context, as_json, act(context, work), "Restored")


@channel.command("delete")
def delete_channel(
    context: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a channel or group, archived or not, for everybody; there is no way back."""
    found = act(context, lambda client: _find_any(client, name))
    if not yes:
        typer.confirm(f"Delete {found.label} with all that was said there?", abort=True, err=True)
    act(context, lambda client: client.conversations.delete(found.id, found.name or found.title or ""))
    _report(context, as_json, found, "Deleted")


async def _find_any(client: "Client", name: str) -> "Conversation":
    """The channel of that name, archived or not."""
    from crewhall.faces.sdk import CrewhallApiError

    try:
        return await client.conversations.find(name)
    except CrewhallApiError as error:
        if error.code != "not_found":
            raise
    return await client.conversations.find(name, status="archived")


async def find_somebody(client: "Client", name: str) -> tuple[str, str]:
    """The type and id of the person with this handle or the agent with this code."""
    from crewhall.faces.sdk import CrewhallApiError

    try:
        return "agent", (await client.agents.find(name)).id
    except CrewhallApiError as error:
        if error.code != "not_found":
            raise
    return "user", (await client.people.find(name)).id


def _report(context: typer.Context, as_json: bool, found: "Conversation", verb: str) -> None:
    if wants_json(context, as_json):
        say_json(found)
    else:
        say(f"{verb} {found.label}.")
