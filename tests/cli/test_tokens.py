"""Personal tokens in a terminal."""

from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.server import Server


async def test_a_token_is_made_used_listed_and_revoked(owner: Cli, server: Server, org: Org) -> None:
    made = await owner.ok("token", "create", "editor", "--days", "7")
    assert made["token"].startswith("cwp_")
    assert (await server.client(made["token"]).get("/me")).json()["actor"]["id"] == str(org.owner.id)
    (listed,) = await owner.ok("token", "list")
    assert (listed["id"], listed["name"], listed["token"]) == (made["id"], "editor", None)
    shown = await owner.run("token", "list")
    assert "editor" in shown.out
    assert made["token"] not in shown.out
    assert (await owner.run("token", "revoke", "nothing")).code == 1
    assert "revoked" in (await owner.run("token", "revoke", "editor")).out
    assert (await server.client(made["token"]).get("/me")).status_code == 401
    assert "crewhall token create" in (await owner.run("token", "list")).out
    assert (await owner.run("token", "create", "too long", "--days", "9999")).code == 1
