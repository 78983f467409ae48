"""`crewhall log`: what an operator is told of the message log, in words and for programs, and what is refused."""

from pathlib import Path
from uuid import UUID

import pytest

from crewhall.adapters.kafka.records import encode_record
from crewhall.adapters.kafka.settings import LogSettings
from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.kernel.postgres import DatabaseUrls
from tests.cli.conftest import Cli, QuickCli
from tests.log.engines import kafka_settings
from tests.log.ground import Ground, returning, said_on_postgres, until
from tests.log.test_kafka_past import past
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.site import quiet_port

NEXT = "Start servers with CREWHALL_LOG=postgres, or without it."
FORGED = "update message_records set content = 'forged' where seq = 2 and conversation_id = %s"


def command_line(folder: Path, urls: DatabaseUrls, settings: LogSettings, kind: type[Cli] = QuickCli) -> Cli:
    """The operator's: with the settings of an installation whose messages live in Kafka."""
    return kind(
        folder, "", CREWHALL_DATABASE_URL=urls.app, CREWHALL_DATABASE_ADMIN_URL=urls.admin, CREWHALL_LOG="kafka",
        CREWHALL_KAFKA_BOOTSTRAP=settings.kafka_bootstrap, CREWHALL_KAFKA_PREFIX=settings.kafka_prefix,
    )  # fmt: skip


@pytest.fixture
def urls(cluster: SharedCluster, worker_id: str) -> DatabaseUrls:
    return cluster.clone(f"log_cli_{worker_id}")


@pytest.fixture
def settings(broker: SharedBroker) -> LogSettings:
    return kafka_settings(broker.bootstrap)


@pytest.fixture
def operator(tmp_path: Path, urls: DatabaseUrls, settings: LogSettings) -> Cli:
    return command_line(tmp_path, urls, settings)


def forge(ground: Ground, *conversations: UUID) -> None:
    """Change what the database has of these conversations."""
    ground.query("alter table message_records disable trigger user")
    for one in conversations:
        ground.query(FORGED, one)
    ground.query("alter table message_records enable trigger user")


async def test_help_names_every_command(operator: Cli) -> None:
    said = await operator.run("log", "--help")
    assert said.code == 0
    for command, mentions in (("status", "--json"), ("rebuild", "--repair"), ("leave-kafka", "--json")):
        assert command in said.out
        assert mentions in (await operator.run("log", command, "--help")).out


async def test_on_postgres_there_is_nothing_to_compare_or_leave(operator: Cli, urls: DatabaseUrls) -> None:
    await said_on_postgres(urls, 1)
    shown = await operator.ok("log", "status")
    assert (shown["engine"], shown["processes"], shown["lag"]) == ("postgres", [], None)
    assert "in Postgres" in (await operator.run("log", "status")).out
    operator.env |= {"CREWHALL_LOG": "postgres"}
    for words in (("rebuild",), ("leave-kafka",)):
        refused = await operator.run("log", *words)
        assert (refused.code, "[bad_setting]" in refused.err) == (1, True)
        assert "set CREWHALL_LOG=kafka and CREWHALL_KAFKA_BOOTSTRAP" in refused.err


@pytest.mark.rule("A4")
async def test_the_rebuild_says_what_it_found(operator: Cli, urls: DatabaseUrls, settings: LogSettings) -> None:
    org, conversation = await said_on_postgres(urls, 3)
    async with returning(urls, settings, org) as ground:
        await ground.engine.log.append(ground.engine.record(conversation, "on Kafka"))
        equal = await operator.run("log", "rebuild")
        assert (equal.code, equal.out) == (0, f"1 of 1. {conversation}: 4 records, equal.\n")
        (one,) = await operator.ok("log", "rebuild", "--conversation", str(conversation))
        assert (one["conversation_id"], one["records"], one["missing"]) == (str(conversation), 4, 0)

        forge(ground, conversation)
        differs = await operator.run("log", "rebuild")
        assert (differs.code, differs.out) == (1, f"1 of 1. {conversation}: 4 records, 1 different.\n")
        mended = await operator.run("log", "rebuild", "--repair")
        assert (mended.code, "1 different, put right." in mended.out) == (0, True)
        assert (await operator.run("log", "rebuild")).code == 0

        nobody = await operator.run("log", "rebuild", "--conversation", str(new_id()))
        assert (nobody.code, nobody.out) == (1, "There is no conversation of that id.\n")
        assert (await operator.run("log", "rebuild", "--conversation", "none")).code == 2

        ground.query("update log_topics set state = 'provisioning', fill_to = 9, filled_seq = 4")
        unproved = await operator.run("log", "rebuild")
        assert (unproved.code, unproved.out) == (1, "")
        assert "1 conversation not in Kafka yet, and not compared: `crewhall log status`" in unproved.err
        shown = await operator.ok("log", "status")
        assert (shown["conversations"], shown["to_copy"], shown["records_to_copy"]) == (0, 1, 5)
        assert "to copy    1, 5 records left" in (await operator.run("log", "status")).out
        ground.query("update log_topics set fill_to = 4")


async def test_what_was_not_compared_is_no_proof(operator: Cli, urls: DatabaseUrls, settings: LogSettings) -> None:
    """A past that is being taken in is not in the topic yet; nor is anything whose place nobody knows."""
    org, conversation = await said_on_postgres(urls, 3)
    async with returning(urls, settings, org) as ground:
        engine = ground.engine
        await engine.log.append(engine.record(conversation, "on Kafka"))
        assert (await operator.run("log", "rebuild")).code == 0
        async with ground.db.transaction(system_actor(org)) as tx:
            await engine.log.retire(tx, org, conversation)
            await tx.run("select take_past(%(id)s, %(past)s)", {"id": conversation, "past": past(3)})
        for words in ((), ("--conversation", str(conversation))):
            unproved = await operator.run("log", "rebuild", *words)
            assert (unproved.code, unproved.out) == (1, ""), words
            assert "1 conversation not in Kafka yet, and not compared" in unproved.err
        async with ground.db.transaction(system_actor(org)) as tx:
            await engine.log.reopen(tx, org, conversation)
        await engine.log.append(engine.record(conversation, "last"))
        assert (await operator.run("log", "rebuild")).code == 0
        ground.query("delete from log_partitions")
        assert (await operator.run("log", "rebuild")).code == 1


@pytest.mark.rule("A4")
async def test_a_rebuild_that_is_killed_is_begun_again(
    tmp_path: Path, urls: DatabaseUrls, settings: LogSettings
) -> None:
    org, first = await said_on_postgres(urls, 3)
    async with returning(urls, settings, org) as ground:
        others = [await ground.engine.conversation() for _ in range(3)]
        for one in others:
            for n in range(3):
                await ground.engine.log.append(ground.engine.record(one, f"m{n}"))
        await ground.engine.log.append(ground.engine.record(first, "last"))
        forge(ground, first, *others)
        operator = command_line(tmp_path, urls, settings, Cli)
        process = await operator.start("log", "rebuild", "--repair")
        assert process.stdout is not None
        assert b"1 of 4." in await process.stdout.readline()
        process.kill()
        await process.wait()
        again = await operator.quick().run("log", "rebuild", "--repair")
        assert (again.code, again.out.count("\n")) == (0, 4)
        assert (await operator.quick().run("log", "rebuild")).out.count("equal.") == 4


async def test_kafka_is_left_when_everything_is_here_and_nobody_runs(
    operator: Cli, urls: DatabaseUrls, settings: LogSettings
) -> None:
    org, conversation = await said_on_postgres(urls, 1)
    async with returning(urls, settings, org) as ground:
        await ground.engine.log.append(ground.engine.record(conversation, "on Kafka"))
        await until(lambda: ground.parts.log.state().lag == 0)
        assert "Processes run" in (await operator.run("log", "leave-kafka")).err
    await ground.send(conversation, encode_record(ground.engine.record(conversation, "unwritten"), utc_now()))
    assert (await operator.ok("log", "status"))["lag"] == 1
    behind = await operator.run("log", "leave-kafka")
    assert (behind.code, "[conflict]" in behind.err) == (1, True)
    assert "1 records" in behind.err
    assert "until `crewhall log status` shows a lag of 0" in behind.err

    bootstrap = operator.env["CREWHALL_KAFKA_BOOTSTRAP"]
    operator.env["CREWHALL_KAFKA_BOOTSTRAP"] = f"127.0.0.1:{quiet_port()}"
    for words in (("leave-kafka",), ("rebuild",)):
        away = await operator.run("log", *words)
        assert (away.code, "CREWHALL_KAFKA_BOOTSTRAP" in away.err, "[kafka_away]" in away.err) == (1, True, True)
    shown = await operator.run("log", "status")
    assert (shown.code, "unknown" in shown.out, "CREWHALL_KAFKA_BOOTSTRAP" in shown.out) == (0, True, True)
    operator.env["CREWHALL_KAFKA_BOOTSTRAP"] = bootstrap

    async with returning(urls, settings, org) as ground:
        await until(lambda: ground.parts.log.state().lag == 0)
    topic, _ = ground.topic(conversation)
    left = await operator.ok("log", "leave-kafka")
    assert left == {"partitions": 1, "topics": [topic], "refused": 0}
    assert (await operator.ok("log", "status"))["engine"] == "postgres"
    async with returning(urls, LogSettings(), org) as back:
        assert [content for _, content in await back.engine.contents(conversation)] == ["m0", "on Kafka", "unwritten"]


async def test_leaving_says_what_became_of_it(operator: Cli, urls: DatabaseUrls, settings: LogSettings) -> None:
    org, conversation = await said_on_postgres(urls, 1)
    async with returning(urls, settings, org) as ground:
        await ground.engine.log.append(ground.engine.record(conversation, "on Kafka"))
        await ground.send(conversation, b"no record")
        await until(lambda: ground.query("select from log_refusals"))
        assert "1 record, in the table log_refusals" in (await operator.run("log", "status")).out
    topic, _ = ground.topic(conversation)
    said = (await operator.run("log", "leave-kafka")).out.splitlines()
    assert said == [
        "1 partition written to the end: Postgres has every message, and keeps them now.",
        "1 record of Kafka's were refused: the table log_refusals has them, and why.",
        "Left in Kafka, read by nobody: 1 topic. Delete what you do not want to keep.",
        f"  {topic}",
        NEXT,
    ]
    again = await operator.run("log", "leave-kafka")
    assert (again.code, "Messages live in Postgres already" in again.err) == (1, True)
