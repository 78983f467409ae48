"""Signing in: what is kept, who may read it, how it renews, and the exit codes of failing."""

import asyncio
import json
import stat
import sys

import pytest

from tests.cli.conftest import Cli
from tests.identity.hall import PASSWORD, Org
from tests.support.server import Server, token_of


async def test_nobody_is_signed_in_at_first(cli: Cli) -> None:
    result = await cli.run("whoami")
    assert result.code == 4
    assert "unauthenticated" in result.err
    assert "crewhall login" in result.err
    assert result.out == ""


async def test_tokens_are_kept_private_and_forgotten_on_logout(signed_in: Cli, org: Org, server: Server) -> None:
    me = await signed_in.ok("whoami")
    assert (me["me"]["actor"]["id"], me["me"]["role"], me["server"]) == (str(org.owner.id), "owner", server.address)
    file = signed_in.folder / "config" / "crewhall" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    kept = json.loads(file.read_text())["servers"][server.address]
    assert (await signed_in.run("logout")).code == 0
    assert "cws_" not in file.read_text()
    assert kept["access"] not in file.read_text()
    assert (await signed_in.run("whoami")).code == 4
    file.write_text(json.dumps({"servers": {server.address: kept}}))
    assert (await signed_in.run("whoami")).code == 4, "the login has ended on the server too"


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"servers":[1]}', b'{"servers":{"http://x":5}}', b"\xff\x00"])
async def test_a_damaged_file_is_as_good_as_none_and_written_anew(cli: Cli, org: Org, damaged: bytes) -> None:
    file = cli.folder / "config" / "crewhall" / "logins.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(damaged)
    refused = await cli.run("whoami")
    assert (refused.code, "Traceback" in refused.err) == (4, False), refused.err
    signed = await cli.run("login", "--email", org.owner.email, "--password-stdin", stdin=PASSWORD + "\n")
    assert signed.code == 0, signed.err
    assert (await cli.run("whoami")).code == 0


async def test_commands_that_run_at_once_renew_an_expired_token_once(signed_in: Cli, server: Server, org: Org) -> None:
    file = signed_in.folder / "config" / "crewhall" / "logins.json"
    kept = json.loads(file.read_text())
    kept["servers"][server.address]["access"] = "cwt_" + "x" * 40
    file.write_text(json.dumps(kept))
    program = Cli(signed_in.folder, server.address)  # three processes
    results = await asyncio.gather(*(program.run("whoami") for _ in range(3)))
    assert [result.code for result in results] == [0, 0, 0], results
    renewed = json.loads(file.read_text())["servers"][server.address]
    assert renewed["access"] != kept["servers"][server.address]["access"]


async def test_the_server_signed_in_to_last_is_the_one_meant(signed_in: Cli, server: Server) -> None:
    del signed_in.env["CREWHALL_URL"]
    assert (await signed_in.ok("whoami"))["server"] == server.address


async def test_a_wrong_password_keeps_nothing(cli: Cli, org: Org) -> None:
    result = await cli.run("login", "--email", org.owner.email, "--password-stdin", stdin="wrong horse battery\n")
    assert result.code == 4
    assert not (cli.folder / "config" / "crewhall" / "logins.json").exists()


async def test_an_agent_signs_in_with_its_key(cli: Cli, server: Server, org: Org) -> None:
    agent = await server.hire(org, "scout-cli")
    assert (await cli.run("login", "--token", agent.key)).code == 0
    assert (await cli.ok("whoami"))["me"]["agent"]["code"] == "scout-cli"
    assert (await cli.run("login", "--token", "cwk_" + "x" * 40)).code == 4


async def test_signing_out_ends_the_login_of_a_token_from_the_environment_and_no_other(
    signed_in: Cli, server: Server, org: Org
) -> None:
    file = signed_in.folder / "config" / "crewhall" / "logins.json"
    kept = file.read_text()
    personal = (await signed_in.ok("token", "create", "editor"))["token"]
    agent = await server.hire(org, "scout-out")
    for lasting, words in ((personal, "crewhall token revoke"), (agent.key, "crewhall agent key revoke")):
        signed_in.env["CREWHALL_TOKEN"] = lasting
        refused = await signed_in.run("logout")
        assert (refused.code, words in refused.err) == (1, True), refused.err
        assert (await signed_in.run("whoami")).code == 0, "it is as good as before"
    signed_in.env["CREWHALL_TOKEN"] = given = token_of(org.owner.api)
    assert "CREWHALL_TOKEN has ended" in (await signed_in.run("logout")).out
    assert (await server.client(given).get("/me")).status_code == 401
    assert file.read_text() == kept
    del signed_in.env["CREWHALL_TOKEN"]
    assert (await signed_in.run("whoami")).code == 0
    assert (await signed_in.run("login", "--token", agent.key)).code == 0
    assert "good as before: it was an agent's key" in (await signed_in.run("logout")).out
    assert agent.key not in file.read_text()


async def test_without_a_server_it_says_how_to_start_one(cli: Cli) -> None:
    cli.env["CREWHALL_URL"] = "http://127.0.0.1:9"
    cli.env["CREWHALL_TOKEN"] = "cwt_x"
    result = await cli.run("whoami")
    assert result.code == 3
    assert "crewhall up" in result.err


async def test_asked_wrongly_it_ends_with_2(cli: Cli) -> None:
    for words in (["dance"], ["say"], ["history", "general", "--limit", "many"], []):
        assert (await cli.run(*words)).code == 2, words


async def test_nothing_is_coloured_where_nobody_looks(owner: Cli) -> None:
    result = await owner.run("whoami")
    assert result.code == 0
    assert "\x1b" not in result.out
    assert "Ada Lovelace" in result.out


async def test_help_comes_at_once_and_loads_nothing_of_the_server(cli: Cli) -> None:
    process = await cli.start("--help")
    out, _ = await process.communicate()
    assert b"Exit codes" in out
    script = (
        "import sys; sys.argv = ['crewhall', 'agent', 'list', '--help']\n"
        "from crewhall.faces.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'litestar', 'psycopg', 'uvicorn', 'httpx', 'websockets', 'alembic'}\n"
        "sys.exit(len(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    checked = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.DEVNULL)
    assert await checked.wait() == 0
