"""The writer's connection is lost while a statement is at work, and the statement commits all the same."""

import psycopg
import pytest

from crewhall.adapters.postgres import message_log
from crewhall.adapters.postgres.batch import append_batch
from crewhall.adapters.postgres.message_log import PostgresMessageLog
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.message_log import Advanced
from tests.log.engines import Engine
from tests.log.test_contract import postgres
from tests.support.waiting import until

__all__ = ["postgres"]


@pytest.mark.rule("X1")
@pytest.mark.parametrize("client_id", ["again", None])
async def test_a_statement_that_commits_late_is_acknowledged_once(
    postgres: Engine, monkeypatch: pytest.MonkeyPatch, client_id: str | None
) -> None:
    assert isinstance(postgres.log, PostgresMessageLog)
    assert postgres.db
    url = postgres.db.url
    conversation, name, heard = await postgres.conversation(), postgres.log.process, []
    postgres.log.watch(heard.append)
    attempts = 0

    async def late(connection, batch, process):
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise psycopg.OperationalError("the connection is lost")
        if attempts == 2:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
                await append_batch(other, batch, name)
        return await append_batch(connection, batch, process)

    monkeypatch.setattr(message_log, "append_batch", late)
    try:
        appended = await postgres.log.append(postgres.record(conversation, "once", client_id=client_id))
    except CrewhallError as error:
        pytest.fail(f"stored, but refused: {error}")
    assert (appended.seq, appended.is_new) == (1, True)
    assert await postgres.contents(conversation) == [(1, "once")]
    monkeypatch.undo()
    await postgres.log.append(postgres.record(conversation, "twice"))

    async def has_told_of_the_first() -> bool:
        return any(
            isinstance(one, Advanced) and one.conversation_id == conversation and one.last_seq == 1 for one in heard
        )

    await until(has_told_of_the_first)
