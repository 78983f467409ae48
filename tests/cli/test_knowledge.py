"""What was made searchable, from the command line."""

from tests.cli.conftest import Cli
from tests.documents.ground import attached, read_now
from tests.identity.hall import Org
from tests.support.server import Server


async def test_documents_are_listed_read_and_tried_again(owner: Cli, server: Server, org: Org) -> None:
    document = await attached(server, org, b"# Pumps\n\nThe red lever stops the pump.\n", "pumps.md")
    assert [one["status"] for one in await owner.ok("knowledge", "list", "--in", "general")] == ["queued"]
    assert (await owner.ok("knowledge", "retry", document))["id"] == document
    await read_now(server, org, document)
    assert (await owner.ok("knowledge", "show", document, "--wait"))["status"] == "ready"
    assert "stands in" in (await owner.run("knowledge", "show", document)).out
    assert "The red lever stops the pump." in (await owner.run("knowledge", "read", document)).out
    assert (await owner.ok("knowledge", "status"))["ready"] == 1
    assert (await owner.ok("knowledge", "keep", "--days", "0")) == {"keep_days": None}
    assert "good" in (await owner.run("knowledge", "keep")).out
    refused = await owner.run("knowledge", "retry", document)
    assert refused.code != 0
    assert "searchable already" in refused.err
