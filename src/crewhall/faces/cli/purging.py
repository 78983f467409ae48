"""For the operator: deletion for good."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from crewhall.faces.cli.administering import administrator
from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import Exit, ago, fail, say, say_list
from crewhall.faces.cli.serving import Home

if TYPE_CHECKING:
    pass

purge = typer.Typer(name="purge", help="Delete for good what was deleted, for the operator.", no_args_is_help=True)
Id = Annotated[UUID, typer.Argument(help="Its id, as `crewhall purge list` shows it.", metavar="ID")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@purge.command("list")
def list_purgeable(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """List agents and projects that were deleted, the last ones first."""
    from crewhall.work import list_deleted

    with administrator(home) as connection:
        found = list_deleted(connection)
    say_list(
        found,
        ("What", "Name", "Organization", "Deleted", "Id"),
        lambda one: [one.kind, one.name, one.organization, ago(one.deleted_at), str(one.id)],
        "Nothing was deleted.",
        as_json=wants_json(context, as_json),
    )


@purge.command("agent")
def purge_agent(which: Id, home: Home = None, yes: Yes = False) -> None:
    """Delete an agent for good, with its turns, keys, knowledge, inbox and events; what it said stays."""
    _purge("agent", which, home, yes=yes)


@purge.command("project")
def purge_project(which: Id, home: Home = None, yes: Yes = False) -> None:
    """Delete a project for good, with its tasks; its agents stay, inactive, and so does its channel."""
    _purge("project", which, home, yes=yes)


def _purge(kind: str, which: UUID, home: Any, *, yes: bool) -> None:
    from crewhall.kernel.errors import CrewhallError
    from crewhall.work import KINDS, purge_deleted

    asked = f"The {kind} {which} will be gone from the database; nothing but a backup brings it back. Go on?"
    if not yes and not typer.confirm(asked):
        raise typer.Exit(code=Exit.ERROR)
    wanted = next(one for one in KINDS if one == kind)
    with administrator(home) as connection:
        try:
            gone = purge_deleted(connection, wanted, which)
        except CrewhallError as error:
            fail(error.detail)
    say("Gone: " + ", ".join(f"{count:,} of {table}" for table, count in gone.items()) + ".")
