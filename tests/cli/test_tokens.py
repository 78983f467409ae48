"""Personal tokens, and apps that were let in, in a terminal."""

from tests.apps.asking import person_of, registered
from tests.cli.conftest import Cli
from tests.identity.hall import Org
from tests.support.server import Server


async def test_an_app_is_listed_and_shut_out(owner: Cli, server: Server, org: Org) -> None:
    app = await registered(server, server.client(), client_name="My editor")
    given = await app.let_in(await person_of(server, org.owner), write=False)
    (listed,) = await owner.ok("app", "list")
    assert (listed["name"], listed["address"], listed["scopes"]) == ("My editor", "this computer", ["read"])
    assert (await owner.run("app", "shut-out", "nothing")).code == 1
    assert "shut out" in (await owner.run("app", "shut-out", "My editor")).out
    assert (await app.status(given["access_token"])).status_code == 401


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
