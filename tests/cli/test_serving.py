"""`up`, `status`, `stop` with the built-in database; `config`, `doctor`, `rules`."""

import asyncio
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from crewhall.faces.cli.runfile import Running, remove_run_file, run_file, write_run_file
from crewhall.sdk import Client
from crewhall.version import VERSION
from tests.cli.conftest import Cli, QuickCli
from tests.sdk.processes import EXAMPLES, AgentProcesses
from tests.support.database import discard
from tests.support.waiting import until


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Cli]:
    """A data folder of its own, with an owner."""
    cli = Cli(tmp_path, "", CREWHALL_OWNER_EMAIL="ada@example.org", CREWHALL_OWNER_PASSWORD="correct horse battery")
    del cli.env["CREWHALL_URL"]
    yield cli
    if (tmp_path / "home").exists():
        await cli.run("stop")
        discard(tmp_path / "home")


@pytest.fixture
def configured(tmp_path: Path) -> Cli:
    """The same, for commands that start nothing."""
    cli = QuickCli(
        tmp_path, "", CREWHALL_OWNER_EMAIL="ada@example.org", CREWHALL_OWNER_PASSWORD="correct horse battery"
    )
    del cli.env["CREWHALL_URL"]
    return cli


@pytest.mark.rule("D14")
async def test_up_serves_status_sees_it_and_stop_ends_it(home: Cli) -> None:
    quick = home.quick()
    assert (await quick.run("status")).code == 3
    serving = await home.start("up", "--port", "0")
    address = await listening(serving)
    status = await home.ok("status")
    assert [server["address"] for server in status["servers"]] == [address]
    login = await quick.run("login", "--email", "ada@example.org", "--password-stdin", stdin="correct horse battery\n")
    assert (login.code, address in login.out) == (0, True), login.err
    said = await quick.ok("say", "general", "hello, hall")
    page = await quick.ok("history", "general")
    assert said["id"] in {item["id"] for item in page["items"]}
    checked = await quick.run("doctor")
    assert "database" in checked.out.lower() or "connection" in checked.out
    assert (await home.run("stop")).code == 0
    assert await asyncio.wait_for(serving.wait(), 20) == 0
    assert (await quick.run("status")).code == 3
    gone = await quick.run("whoami")
    assert (gone.code, "crewhall up" in gone.err) == (3, True)


@pytest.mark.slow
async def test_status_and_doctor_say_where_the_data_lie_and_how_current_the_dump_is(home: Cli, configured: Cli) -> None:
    serving = await home.start("up", "--port", "0")
    await listening(serving)
    database = (await configured.ok("status"))["database"]
    folder = Path(database["data"])
    assert (folder / "PG_VERSION").exists()
    assert database["dump"] is None
    shown = (await configured.run("status")).out
    assert f"data: in {folder}" in shown
    assert ("copy both" in shown) is not folder.is_relative_to(home.folder)
    assert "dump: none yet" in shown
    assert (await configured.run("stop")).code == 0
    await asyncio.wait_for(serving.wait(), 20)
    dump = (await configured.run("status", "--json")).json["database"]["dump"]
    assert dump["is_whole"] is True
    assert dump["size_bytes"] > 0
    checked = {each["name"]: each["detail"] for each in (await configured.run("doctor", "--json")).json}
    assert str(folder) in checked["data"]
    assert f"{dump['path']}, made " in checked["dump"]
    assert "holds everything" in checked["dump"]


async def listening(serving: asyncio.subprocess.Process) -> str:
    """Wait until a server is ready; give its address."""
    assert serving.stdout is not None
    async with asyncio.timeout(50):
        while b"Crewhall is ready at" not in (line := await serving.stdout.readline()):
            assert line, (await serving.stderr.read()).decode() if serving.stderr else ""
    return line.decode().split()[-1]


@pytest.mark.slow
@pytest.mark.rule("X1")
@pytest.mark.rule("X2")
async def test_an_agent_outlives_a_server_that_is_killed_and_answers_each_question_once(
    home: Cli, processes: AgentProcesses
) -> None:
    serving = await home.start("up", "--port", "0")
    address = await listening(serving)
    async with Client(address, email="ada@example.org", password="correct horse battery", retry_for=60) as ada:
        made = await ada.agents.create("Scout", code="scout")
        key = await ada.agents.create_key(made.id)
        general = await ada.conversations.find("general")
        await processes.start(EXAMPLES / "poll.py", address, key.key or "")
        rounds = 4
        for n in range(rounds):
            for question in range(5):
                await ada.messages.post(general.id, f"@scout {n}-{question}? | yes | no")
            serving.kill()
            await serving.wait()
            serving = await home.start("up", "--port", address.rpartition(":")[2])
            await listening(serving)
        asked = [f"**{n}-{question}?**" for n in range(rounds) for question in range(5)]

        async def are_answered() -> bool:
            return len([polls async for polls in polls_of(ada, general.id, made.id)]) >= len(asked)

        await until(are_answered, within=50)
        assert [poll async for poll in polls_of(ada, general.id, made.id)] == asked


async def polls_of(client: Client, conversation_id: str, agent_id: str) -> AsyncIterator[str]:
    """The questions of an agent's polls."""
    async for message in client.messages.history(conversation_id):
        if message.author.id == agent_id:
            yield message.content.splitlines()[0]


async def test_config_says_where_each_setting_comes_from_and_masks_secrets(configured: Cli) -> None:
    configured.env |= {"CREWHALL_PORT": "9001", "CREWHALL_SMTP_PASSWORD": "do not show this"}
    folder = configured.folder / "home"
    folder.mkdir()
    (folder / "crewhall.toml").write_text('log_level = "debug"\nport = 9002\n')
    result = await configured.run("config", "--json")
    assert result.code == 0, result.err
    assert "do not show this" not in result.out
    assert "correct horse" not in result.out
    found = {each["setting"]: (each["value"], each["source"]) for each in result.json}
    assert found["CREWHALL_PORT"] == ("9001", "environment")
    assert found["CREWHALL_LOG_LEVEL"] == ("debug", "file")
    assert found["CREWHALL_HOST"] == ("127.0.0.1", "default")
    assert found["CREWHALL_SMTP_PASSWORD"][1] == "environment"
    assert found["CREWHALL_TRUSTED_PROXIES"] == found["CREWHALL_PUBLIC_URL"] == (None, "default")
    configured.env["CREWHALL_PORT"] = "many"
    refused = await configured.run("config")
    assert (refused.code, "CREWHALL_PORT" in refused.err) == (1, True)


async def test_config_lists_what_clients_read_and_masks_of_an_address_its_password_alone(configured: Cli) -> None:
    configured.env |= {
        "CREWHALL_DATABASE_URL": "postgresql://app:hunter2@db.example:5432/hall",
        "CREWHALL_DATABASE_ADMIN_URL": "postgresql+psycopg://admin:hunter2@db.example/hall",
        "CREWHALL_AGENT_KEY": "cwk_hunter2",
        "CREWHALL_ORG": "acme",
    }
    result = await configured.run("config", "--json")
    assert "hunter2" not in result.out
    found = {each["setting"]: (each["value"], each["source"]) for each in result.json}
    assert found["CREWHALL_DATABASE_URL"] == ("postgresql://app:***@db.example:5432/hall", "environment")
    assert found["CREWHALL_DATABASE_ADMIN_URL"] == ("**********", "environment")
    assert found["CREWHALL_AGENT_KEY"] == ("**********", "environment")
    assert found["CREWHALL_TOKEN"] == (None, "default")
    assert found["CREWHALL_ORG"] == ("acme", "environment")
    assert found["CREWHALL_URL"] == ("http://127.0.0.1:8787", "default")
    shown = (await configured.run("config")).out
    assert [line.split()[1] for line in shown.splitlines() if "TRUSTED_PROXIES" in line] == ["–"]


async def test_an_unreachable_database_is_one_line_with_its_mend_once(home: Cli) -> None:
    home.env |= {"CREWHALL_DATABASE_URL": "postgresql://app:hunter2@127.0.0.1:1/hall", "CREWHALL_PORT": "0"}
    refused = await home.run("up")
    assert refused.err.splitlines()[-1] == (
        "crewhall: CREWHALL_DATABASE_URL (postgresql://app:***@127.0.0.1:1/hall) cannot be reached: connection to"
        ' server at "127.0.0.1", port 1 failed: Connection refused. Check the host and the port, and that the server'
        " runs. [database_unreachable]"
    )
    checked = (await home.quick().run("doctor")).out
    assert checked.count("Check the host and the port") == 1


async def test_the_version_is_told(home: Cli) -> None:
    told = await home.run("--version")
    assert (told.code, told.out) == (0, f"crewhall {VERSION}\n")


async def test_doctor_says_what_is_wrong_and_the_mend(home: Cli) -> None:
    def findings(result: object) -> dict[str, dict[str, object]]:
        return {each["name"]: each for each in result}  # type: ignore[attr-defined]

    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    home.env["CREWHALL_PORT"] = str(taken.sockets[0].getsockname()[1])
    home.env["CREWHALL_PUBLIC_URL"] = "https://hall.example.org"
    home.env["CREWHALL_SMTP_HOST"] = "127.0.0.1"
    home.env["CREWHALL_SMTP_PORT"] = "9"
    sick = await home.quick().run("doctor", "--json")
    assert sick.code == 1
    found = findings(sick.json)
    for name, mend in (("port", "CREWHALL_PORT"), ("address", "CREWHALL_TRUSTED_PROXIES"), ("mail", "CREWHALL_SMTP")):
        assert found[name]["ok"] is False, name
        assert mend in str(found[name]["mend"])
    assert found["clock"]["ok"] is True
    taken.close()
    for name in ("CREWHALL_PUBLIC_URL", "CREWHALL_SMTP_HOST", "CREWHALL_SMTP_PORT"):
        del home.env[name]
    well = await home.quick().run("doctor", "--json")
    assert (well.code, {each["ok"] for each in well.json}) == (0, {True}), well.out


@pytest.mark.parametrize(
    ("email", "password", "named"),
    [
        ("ada@example.org", "", "Set both"),
        ("nobody in particular", "correct horse battery", "CREWHALL_OWNER_EMAIL:"),
        ("ada@example.org", "x" * 73, "CREWHALL_OWNER_PASSWORD:"),
    ],
)
async def test_a_bad_owner_is_refused_before_there_is_a_database(
    home: Cli, email: str, password: str, named: str
) -> None:
    home.env |= {"CREWHALL_OWNER_EMAIL": email, "CREWHALL_OWNER_PASSWORD": password}
    refused = await home.run("up", "--port", "0")
    assert (refused.code, named in refused.err) == (1, True), refused.err
    assert not (home.folder / "home").exists()
    found = {each["name"]: each for each in (await home.quick().run("doctor", "--json")).json}
    assert (found["owner"]["ok"], named in found["owner"]["detail"]) == (False, True)
    home.env |= {"CREWHALL_OWNER_EMAIL": "ada@example.org", "CREWHALL_OWNER_PASSWORD": "nine char"}
    found = {each["name"]: each for each in (await home.quick().run("doctor", "--json")).json}
    assert (found["owner"]["warning"], "fewer than the 10" in found["owner"]["mend"]) == (True, True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CREWHALL_MODEL_ENDPOINTS", "bad", "It takes name=url"),
        ("CREWHALL_TRUSTED_PROXIES", "10.0.0.7, zzz", "'zzz' is no address or network"),
        ("CREWHALL_OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", "no address such as https://"),
        ("CREWHALL_PUBLIC_URL", "nonsense", "no address such as https://"),
        ("CREWHALL_DATABASE_ADMIN_URL", "postgresql://boss:hunter2@db/hall", "without CREWHALL_DATABASE_URL"),
    ],
)
async def test_doctor_and_config_say_what_up_refuses(home: Cli, name: str, value: str, words: str) -> None:
    home.env[name] = value
    quick = home.quick()
    refused, shown = await quick.run("up", "--port", "0"), await quick.run("config")
    (found,) = [each for each in (await quick.run("doctor", "--json")).json if each["name"] == "settings"]
    assert (refused.code, shown.code, found["ok"]) == (1, 1, False)
    assert name in found["detail"]
    assert words in found["detail"]
    assert found["detail"] in refused.err
    assert found["detail"] in shown.err
    assert "hunter2" not in refused.err
    assert not (home.folder / "home").exists()


async def test_a_data_folder_that_is_a_file_is_refused_in_a_sentence(home: Cli) -> None:
    (home.folder / "home").write_text("not a folder")
    refused = await home.run("up", "--port", "0")
    assert (refused.code, "Traceback" in refused.err) == (1, False), refused.err
    assert "CREWHALL_HOME" in refused.err
    (home.folder / "home").unlink()


def test_a_data_folder_beside_a_postgres_of_ones_own_is_private_too(tmp_path: Path) -> None:
    write_run_file(tmp_path / "home", Running(os.getpid(), "http://127.0.0.1:1", VERSION))
    remove_run_file(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


async def test_a_process_that_took_over_the_number_of_a_dead_server_is_left_alone(home: Cli) -> None:
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", "crewhall", stdin=PIPE)
    file = run_file(home.folder / "home", other.pid)
    file.parent.mkdir(parents=True)
    file.write_bytes(msgspec.json.encode(Running(other.pid, "http://127.0.0.1:1", VERSION)))
    stopped = await home.quick().ok("stop")
    assert (stopped["stopped"], file.exists()) == ([], False)
    await other.communicate(b"\n")
    assert other.returncode == 0, "it ended by itself"


async def test_a_busy_port_is_refused_before_there_is_a_database(home: Cli) -> None:
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    refused = await home.run("up", "--port", str(taken.sockets[0].getsockname()[1]))
    taken.close()
    assert (refused.code, "Cannot listen on" in refused.err) == (1, True), refused.err
    assert not (home.folder / "home").exists()


async def test_a_name_that_nothing_reads_is_warned_of_with_the_nearest_one(home: Cli) -> None:
    home.env |= {"CREWHALL_PROT": "9001", "CREWHALL_PORT": "none", "CREWHALL_SOMETHING_ELSE": "1"}
    said = (await home.run("up")).err
    assert "CREWHALL_PROT is read by nothing" not in said, "what is wrong is said alone"
    home.env["CREWHALL_PORT"] = "0"
    (home.folder / "home").mkdir(mode=0o700)
    (home.folder / "home" / "crewhall.toml").write_text('prot = 1\nlog_level = "info"\n')
    home.env["CREWHALL_OWNER_EMAIL"] = ""  # ends it before there is a database
    said = (await home.run("up")).err
    assert "CREWHALL_PROT is read by nothing. Did you mean CREWHALL_PORT?" in said
    assert "CREWHALL_SOMETHING_ELSE is read by nothing.\n" in said
    assert "prot in the settings file is read by nothing. Did you mean port?" in said
    assert "CREWHALL_URL" not in said
    del home.env["CREWHALL_OWNER_PASSWORD"]
    checked = await home.quick().run("doctor", "--json")
    warned = [each["detail"] for each in checked.json if each["warning"]]
    assert (checked.code, len(warned)) == (0, 3), "a warning is no failure"
    assert "! setting: CREWHALL_PROT" in (await home.quick().run("doctor")).out


@pytest.mark.parametrize("words", [("status",), ("stop",), ("config",), ("doctor",), ("rules",), ("rules", "X1")])
async def test_json_may_be_asked_for_before_the_command_and_after_it(configured: Cli, words: tuple[str, ...]) -> None:
    before, after = await configured.run("--json", *words), await configured.run(*words, "--json")
    assert type(before.json) is type(after.json)
    assert before.code == after.code
    plain = await configured.run(*words)
    assert plain.out[:1] not in {"[", "{"}


async def test_rules_are_listed(cli: Cli) -> None:
    rules = {rule["number"]: rule for rule in await cli.ok("rules")}
    assert {"A1", "D1", "X12"} <= rules.keys()
    assert (await cli.ok("rules", "x1"))["number"] == "X1"
    shown = {line.split()[0]: line.split()[1] for line in (await cli.run("rules")).out.splitlines() if line.split()[1:]}
    assert (shown["X1"], shown["X4"]) == ("✓", "in"), "kept in part"
    assert "Not there yet: A2A and Kafka." in (await cli.run("rules", "X4")).out
    assert (await cli.run("rules", "Z9")).code == 2


@pytest.mark.slow
async def test_ctrl_c_is_a_clean_end(home: Cli) -> None:
    serving = await home.start("up", "--port", "0")
    await listening(serving)
    serving.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(serving.communicate(), 30)
    assert (serving.returncode, b"Traceback" in err) == (0, False), err.decode()
