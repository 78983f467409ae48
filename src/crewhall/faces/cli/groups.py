"""Groups, when they archive themselves, and sharing one's sessions with agents."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.channels import find_somebody
from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, rows_of, say, say_facts, say_json, say_list, say_table
from crewhall.kernel.counting import counted

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, Conversation, IdlePolicy, Member

group = typer.Typer(name="group", help="Groups.", no_args_is_help=True)
Session = Annotated[str, typer.Argument(help="The agent's @code (your conversation with it), or a conversation's id.")]
Who = Annotated[list[str], typer.Argument(help="Handles of people.")]


@group.command("list")
def list_groups(
    context: typer.Context,
    idle: Annotated[bool, typer.Option("--idle", help="Only those in which nobody wrote for a while.")] = False,
    archived: Annotated[bool, typer.Option("--archived", help="Archived ones instead.")] = False,
    as_json: Json = False,
) -> None:
    """List your groups, with when they archive themselves."""
    status = "archived" if archived else "idle" if idle else None

    async def work(client: "Client") -> list["Conversation"]:
        return [found async for found in client.conversations.list(kind="group", status=status)]

    found = act(context, work)
    say_list(
        found,
        ("Title", "Status", "Active", "Archives itself", "Id"),
        lambda each: [each.label, each.status, ago(each.last_active_at), _end_of(each), each.id],
        as_json=wants_json(context, as_json),
    )


def _end_of(each: "Conversation") -> str:
    return f"{each.archives_at:%Y-%m-%d}" if each.archives_at else ""


@group.command("create")
def create_group(
    context: typer.Context,
    title: str,
    members: Annotated[list[str] | None, typer.Option("--with", help="@handle or @code; may be given again.")] = None,
    as_json: Json = False,
) -> None:
    """Open a group of people and agents."""

    async def work(client: "Client") -> "Conversation":
        return await client.conversations.create_group(
            title, [await find_somebody(client, who) for who in members or ()]
        )

    made = act(context, work)
    if wants_json(context, as_json):
        say_json(made)
    else:
        say(f"Opened {made.label} ({made.id}).")


@group.command("idle")
def idle_groups(
    context: typer.Context,
    after_hours: Annotated[int | None, typer.Option(help="Idle after so many hours without a message.")] = None,
    archive_days: Annotated[int | None, typer.Option(help="Archived after so many idle days; 0: never.")] = None,
    as_json: Json = False,
) -> None:
    """Show, or settle, when the organization's groups are idle and archive themselves."""

    async def work(client: "Client") -> "IdlePolicy":
        now = await client.conversations.idle_policy()
        if after_hours is None and archive_days is None:
            return now
        hours = now.idle_after_hours if after_hours is None else after_hours
        days = now.archive_after_days if archive_days is None else archive_days or None
        return await client.conversations.settle_idle_policy(idle_after_hours=hours, archive_after_days=days)

    policy = act(context, work)
    if wants_json(context, as_json):
        say_json(policy)
        return
    days = policy.archive_after_days
    ends = counted(days, "idle day") if days else "never"
    say_facts({"idle after": counted(policy.idle_after_hours, "hour"), "archived after": ends})


def share(context: typer.Context, session: Session, people: Who, as_json: Json = False) -> None:
    """Let people read a session of yours with an agent along."""
    _settle(context, session, people, as_json, shares=True)


def unshare(context: typer.Context, session: Session, people: Who, as_json: Json = False) -> None:
    """Let people read a session of yours along no more."""
    _settle(context, session, people, as_json, shares=False)


def _settle(context: typer.Context, session: str, people: list[str], as_json: bool, *, shares: bool) -> None:
    async def work(client: "Client") -> list["Member"]:
        found = await _session_of(client, session)
        change = client.conversations.add_member if shares else client.conversations.remove_member
        for who in people:
            await change(found.id, "user", (await client.people.find(who)).id)
        return [member async for member in client.conversations.members(found.id) if member.role == "reader"]

    readers = act(context, work)
    if wants_json(context, as_json):
        say_json(readers)
    else:
        say_table(
            ("Handle", "Name", "Since"), rows_of(readers, "handle", "name", "joined_at"), "Nobody reads it along."
        )


async def _session_of(client: "Client", name: str) -> "Conversation":
    if name.startswith("@"):
        return await client.conversations.direct("agent", (await client.agents.find(name)).id)
    return await client.conversations.get(name)
