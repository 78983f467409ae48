"""`up`, `status` and `stop` with the built-in database."""

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
from tests.cli.conftest import Cli
from tests.sdk.processes import EXAMPLES, AgentProcesses
from tests.support.effort import EFFORT
from tests.support.waiting import bounded, in_time, until


@pytest.mark.rule("D14")
async def test_up_serves_status_sees_it_and_stop_ends_it(home: Cli) -> None:
    quick = home.quick()
    assert (await quick.run("status")).code == 3
    serving = await home.start("up", "--port", "0")
    address = await listening(serving)
    status = await home.ok("status")
    assert [server["address"] for server in status["processes"]] == [address]
    login = await quick.run("login", "--email", "ada@example.org", "--password-stdin", stdin="correct horse battery\n")
    assert (login.code, address in login.out) == (0, True), login.err
    said = await quick.ok("say", "general", "hello, hall")
    page = await quick.ok("history", "general")
    assert said["id"] in {item["id"] for item in page["items"]}
    checked = await quick.run("doctor")
    assert "database" in checked.out.lower() or "connection" in checked.out
    assert (await home.run("stop")).code == 0
    assert await in_time(serving.wait(), 20) == 0
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
    await in_time(serving.wait(), 20)
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
    async with bounded(90):
        while b"Crewhall is ready at" not in (line := await serving.stdout.readline()):
            assert line, (await serving.stderr.read()).decode() if serving.stderr else ""
    return line.decode().split()[-1]


@pytest.mark.slow
@pytest.mark.timeout(120 * EFFORT)
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
        rounds = 2 * EFFORT
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


@pytest.mark.slow
async def test_ctrl_c_is_a_clean_end(home: Cli) -> None:
    serving = await home.start("up", "--port", "0")
    await listening(serving)
    serving.send_signal(signal.SIGINT)
    _, err = await in_time(serving.communicate(), 30)
    assert (serving.returncode, b"Traceback" in err) == (0, False), err.decode()
