"""A short part of `make chaos`: each thing that can be done, once, with either log."""

import os
import random

import pytest

from scripts.broker import Broker
from tests.chaos.report import Report
from tests.chaos.rounds import Round
from tests.chaos.running import plan, run_chaos
from tests.support.site import Site


def seed() -> int:
    return int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))


def nothing_was_lost(report: Report) -> None:
    print("\n".join(report.lines()))
    assert {len(rounds) for rounds in report.rounds.values()} == {1}
    assert report.posts > report.count * 50
    assert report.seen > report.posts
    assert report.files > report.count
    assert "disk full" not in report.rounds or report.not_kept["storage_full"] > 0


@pytest.mark.rule("X1", "X2", "C5")
@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_whatever_is_done_to_a_cluster_once_nothing_is_lost(site: Site):
    nothing_was_lost(await run_chaos(site, None, seed()))


@pytest.mark.rule("X1", "X2", "C5", "A4")
@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_whatever_is_done_to_a_cluster_on_kafka_once_nothing_is_lost(kafka_site: Site, own_broker: Broker):
    report = await run_chaos(kafka_site, None, seed(), own_broker)
    assert {"broker killed", "projector killed", "projector overtaken"} < set(report.rounds)
    nothing_was_lost(report)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_who_projects_and_what_it_reads_die_under_load_and_nothing_is_lost(kafka_site: Site, own_broker: Broker):
    """What only Kafka has; all the rest is done with either log by `make soak`."""
    only = ["projector killed", "projector overtaken", "broker killed"]
    report = await run_chaos(kafka_site, None, seed(), own_broker, only=only)
    assert set(report.rounds) == set(only)
    nothing_was_lost(report)


@pytest.mark.parametrize(("rounds", "lasting"), [(2, 0), (3, 0), (4, 1), (100, 1)])
def test_what_lasts_is_done_once_and_only_where_all_else_is_done(rounds: int, lasting: int):
    planned = plan(["a", "b", "c"], ["lasts"], rounds, seed())
    counts = [planned.count(kind) for kind in "abc"]
    assert (len(planned), planned.count("lasts")) == (rounds, lasting)
    assert max(counts) - min(counts) <= 1


def test_the_report_says_what_held_and_what_each_thing_cost():
    rounds = {"server killed": [Round(0.5, 1.25), Round(2.0, 2.5)], "disk full": [Round(0.1, 0.2)]}
    lines = Report("kafka", 7, 61.2, rounds, 1000, 3000, 40, {"storage_full": 3}).lines()
    assert lines[0] == "3 rounds in 61 s on the kafka log, seed 7"
    assert "1000 posts acknowledged" in lines[1]
    assert lines[3].endswith("40 files acknowledged, each whole; refused: 3 storage_full")
    assert lines[-2].split() == ["1", "disk", "full", "0.1", "s", "0.2", "s"]
    assert lines[-1].split() == ["2", "server", "killed", "2.0", "s", "2.5", "s"]
