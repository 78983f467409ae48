"""How the installation runs, wherever one is signed in: `crewhall installation`."""

from typing import TYPE_CHECKING

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json, say_table
from crewhall.kernel.counting import counted, lasting, size_in_words, up_to

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, InstallationStanding


def installation(context: typer.Context, as_json: Json = False) -> None:
    """Show how the installation runs, on all machines. `status` looks at this one alone."""

    async def work(client: "Client") -> "InstallationStanding":
        return await client.installation.look()

    found = act(context, work)
    if wants_json(context, as_json):
        say_json(found)
        return
    rows = [
        (one.kind, one.version, f"{one.host} {one.pid}" if one.host else "", ago(one.started_at))
        for one in found.processes
    ]
    say_table(("Process", "Version", "Where", "Since"), rows)
    say()
    say_facts(_facts(found))
    say()
    for one in found.concerns:
        say(f"! {one.text}")
    if not found.concerns:
        say("All is well.")


def _facts(found: "InstallationStanding") -> dict[str, object]:
    behind = [f"{one.name} {lasting(int(one.lag_s))}" for one in found.followers if one.lag_s is not None]
    facts: dict[str, object] = {
        "messages": f"in {found.log.engine}, {_behind(found.log.lag)}",
        "behind": ", ".join(behind) or "nothing",
        "waiting": ", ".join(f"{one.name} {up_to(one.waiting)}" for one in found.queues),
        "database": size_in_words(found.database.size_bytes),
    }
    if found.database.is_built_in:
        facts["newest dump"] = ago(found.database.dump.made_at) if found.database.dump else "none yet"
    if found.disk is not None:
        facts["disk"] = f"{size_in_words(found.disk.free_bytes)} of {size_in_words(found.disk.total_bytes)} free"
    if found.log.conversations is not None:
        facts["conversations there"] = up_to(found.log.conversations)
        facts["topics to make or delete"] = up_to(found.log.unsettled or 0)
        facts["refused records"] = up_to(found.log.refused or 0)
    return facts


def _behind(lag: int | None) -> str:
    if lag is None:
        return "nobody knows how far behind"
    return f"{counted(lag, 'record')} behind" if lag else "all of it can be read"
