"""How the installation runs, wherever one is signed in: `crewhall installation`."""

from typing import TYPE_CHECKING

import typer

from crewhall.faces.cli.context import Json, act, wants_json
from crewhall.faces.cli.output import ago, say, say_facts, say_json, say_table
from crewhall.kernel.counting import counted, lasting

if TYPE_CHECKING:
    from crewhall.faces.sdk import Client, InstallationStanding

MB = 1_000_000


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
        "messages": f"in {found.log.engine}"
        + (f", {counted(found.log.lag, 'record')} behind" if found.log.lag else ""),
        "topics": found.log.topics,
        "behind": ", ".join(behind) or "nothing",
        "waiting": ", ".join(f"{one.name} {one.waiting:,}" for one in found.queues),
        "database": f"{found.database.size_bytes // MB:,} MB",
    }
    if found.database.is_built_in:
        facts["newest dump"] = ago(found.database.dump.made_at) if found.database.dump else "none yet"
    if found.disk is not None:
        facts["disk"] = f"{found.disk.free_bytes // MB:,} of {found.disk.total_bytes // MB:,} MB free"
    return facts
