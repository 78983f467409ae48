"""Rows on Apache Kafka, in small and for real."""

import pytest

from bench.ground import temporary_home
from bench.rows.catching_up import CatchingUp
from bench.rows.kafka import Kafka
from bench.rows.row import Scale
from bench.run import Grounds, run_row
from tests.support.kafka import jars_or_skip


@pytest.mark.slow
async def test_posts_on_kafka_stand_beside_a_bare_producer_and_the_other_engine(monkeypatch):
    monkeypatch.setenv("CREWHALL_KAFKA_JARS", str(jars_or_skip()))
    said: list[str] = []
    scale = Scale(seconds=0.4, runs=1, messages=100)
    with temporary_home() as data:
        async with Grounds(data, scale, said.append) as grounds:
            posts = await run_row(Kafka(1), grounds, scale, said.append)
            behind = await run_row(CatchingUp(), grounds, scale, said.append)
    assert said == ["kafka-1 …", "catching-up …"]
    bare, served, other = [line for line in posts if line.key == "rate"]
    assert bare.value == served.value == other.value > 1
    assert all(line.floor and line.floor > 1 for line in (bare, served, other))
    assert next(line for line in posts if line.key == "served").value == served.floor
    lag = next(line for line in posts if line.key == "lag")
    assert 0 < lag.value < 10
    rate = next(line for line in behind if line.key == "rate")
    assert rate.value > 1
    assert rate.floor


async def test_without_kafka_its_rows_are_left_out_with_words(monkeypatch, tmp_path):
    monkeypatch.delenv("CREWHALL_KAFKA_JARS", raising=False)
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    scale = Scale(seconds=0.1, runs=1, messages=100)
    async with Grounds(tmp_path, scale, said.append) as grounds:
        assert await run_row(CatchingUp(), grounds, scale, said.append) == []
    assert "sh scripts/kafka" in said[-1]
