"""How the installation runs, at the command line."""

from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.installation import begun_with
from tests.support.server import Server


async def test_who_runs_it_is_told_how_it_runs_and_others_are_not(owner: Cli, server: Server, org: Org):
    refused = await owner.run("installation")
    assert (refused.code, "Only the owner" in refused.err) == (1, True)
    async with begun_with(server, org.id):
        found = await owner.ok("installation")
        said = await owner.run("installation")
    assert [one["kind"] for one in found["processes"]] == ["up"]
    assert {"messages", "waiting", "database"} <= {line.split("  ")[0] for line in said.out.splitlines()}
    assert ("All is well." in said.out) is not bool(found["concerns"])
