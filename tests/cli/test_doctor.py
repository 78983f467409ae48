"""What keeps `up` from serving: said in one sentence, by `doctor` too, before there is a database."""

import asyncio

import pytest

from tests.cli.conftest import Cli


async def test_doctor_says_what_is_wrong_and_the_mend(home: Cli) -> None:
    def findings(result: list[dict[str, object]]) -> dict[str, dict[str, object]]:
        return {str(each["name"]): each for each in result}

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


async def test_messages_in_kafka_of_which_there_is_one_copy_are_warned_of(home: Cli) -> None:
    home.env |= {"CREWHALL_LOG": "kafka", "CREWHALL_KAFKA_BOOTSTRAP": "broker:9092", "CREWHALL_PORT": "0"}
    for copies, warns in (("1", True), ("3", False)):
        home.env["CREWHALL_KAFKA_REPLICATION"] = copies
        said = await home.quick().run("doctor", "--json")
        found = {each["name"]: each for each in said.json}["Kafka"]
        assert (said.code, found["ok"], found["warning"]) == (0, True, warns), said.out
        assert "CREWHALL_KAFKA_REPLICATION" in found["mend"]


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
    refused = await home.quick().run("up", "--port", "0")
    assert (refused.code, named in refused.err) == (1, True), refused.err
    assert not (home.folder / "home").exists()
    found = {each["name"]: each for each in (await home.quick().run("doctor", "--json")).json}
    assert (found["owner"]["ok"], named in found["owner"]["detail"]) == (False, True)
    home.env |= {"CREWHALL_OWNER_EMAIL": "ada@example.org", "CREWHALL_OWNER_PASSWORD": "nine char"}
    found = {each["name"]: each for each in (await home.quick().run("doctor", "--json")).json}
    assert (found["owner"]["warning"], "fewer than the 10" in found["owner"]["mend"]) == (True, True)


async def test_a_data_folder_that_is_a_file_is_refused_in_a_sentence(home: Cli) -> None:
    (home.folder / "home").write_text("not a folder")
    refused = await home.run("up", "--port", "0")
    assert (refused.code, "Traceback" in refused.err) == (1, False), refused.err
    assert "CREWHALL_HOME" in refused.err
    (home.folder / "home").unlink()


async def test_a_busy_port_is_refused_before_there_is_a_database(home: Cli) -> None:
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    refused = await home.quick().run("up", "--port", str(taken.sockets[0].getsockname()[1]))
    taken.close()
    assert (refused.code, "Cannot listen on" in refused.err) == (1, True), refused.err
    assert not (home.folder / "home").exists()
