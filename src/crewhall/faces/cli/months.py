"""For the operator: the months of a table that never changes, listed, taken off and brought back."""

from typing import TYPE_CHECKING, Annotated

import typer

from crewhall.faces.cli.administering import administrator
from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import Exit, say, say_list
from crewhall.faces.cli.serving import Home

if TYPE_CHECKING:
    pass

MonthName = Annotated[str, typer.Argument(help="The month, as 2026-11.", metavar="MONTH")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_months(group: typer.Typer, table: str, name: str, rows: str) -> None:
    """Give a group of commands `partitions`, `detach` and `attach` for its table; `rows` is its rows' name."""

    @group.command("partitions", help=f"For the operator: the months of {rows}, how large, which are detached.")
    def list_partitions(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
        from crewhall.kernel.postgres.months import list_months

        with administrator(home) as connection:
            found = list_months(connection, table)
        say_list(
            found,
            ("Month", "Standing", "Rows, about", "Bytes"),
            lambda one: [one.month, "attached" if one.is_attached else "detached", one.rows, f"{one.bytes:,}"],
            "No months.",
            as_json=wants_json(context, as_json),
        )

    @group.command(
        "detach",
        help=f"For the operator: take away {rows} of a month that is over; `attach` brings them back.",
    )
    def detach_partition(month: MonthName, home: Home = None, yes: Yes = False) -> None:
        from crewhall.kernel.postgres.months import detach_month

        if not yes and not typer.confirm(f"Nobody will see the {rows} of {month} any more. Detach them?"):
            raise typer.Exit(code=Exit.ERROR)
        with administrator(home) as connection:
            detached = detach_month(connection, table, month)
        back = f"crewhall {name} attach {month}"
        say(f"{month} is the table {detached} now. Dump it, drop it, or bring it back: `{back}`.")

    @group.command("attach", help=f"For the operator: bring {rows} of a month back that was detached.")
    def attach_partition(month: MonthName, home: Home = None) -> None:
        from crewhall.kernel.postgres.months import attach_month

        with administrator(home) as connection:
            attach_month(connection, table, month)
        say(f"{month} is there again.")
