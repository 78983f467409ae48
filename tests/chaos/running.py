"""So many rounds of chaos on a cluster under load, then the proof that nothing was lost, doubled or out of order."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import psycopg

from crewhall.adapters.kafka.rebuild import coverage, rebuild
from crewhall.adapters.kafka.settings import LogEngine, LogSettings
from crewhall.kernel.postgres.urls import DATABASE
from scripts.broker import Broker
from tests.chaos.report import Report, report_of
from tests.chaos.rounds import Chaos
from tests.support.cluster import running
from tests.support.load import load_on
from tests.support.site import Site
from tests.support.small_disk import NoSmallDisk, SmallDisk

DISK = 128 * 1024 * 1024


async def run_chaos(
    site: Site,
    rounds: int | None,
    seed: int,
    broker: Broker | None = None,
    say: Callable[[str], None] = print,
    only: Sequence[str] = (),
) -> Report:
    """Run so many rounds, by default each thing once; Kafka is the log where a running broker is given.

    `only`: nothing but these is done.

    Raises AssertionError that says what was wrong with the history, or who hangs.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        disk = _find_disk(stack, say)
        environment = {"CREWHALL_BLOBS": str(disk.folder)} if disk else {}
        async with running(site, broker, linked=True, **environment) as cluster:
            async with load_on(site, seed, through=cluster, uploads=True) as load:
                chaos = Chaos(cluster, load, disk)
                kinds = list(only) or chaos.kinds
                lasting = [] if only else chaos.lasting
                await _go(chaos, plan(kinds, lasting, rounds or len(kinds), seed), say)
                await load.progress(100)
            if broker is not None:
                await _compare(site, broker)
    return report_of("kafka" if broker else "postgres", seed, time.monotonic() - began, chaos.done, load.history)


async def _go(chaos: Chaos, planned: Sequence[str], say: Callable[[str], None]) -> None:
    for number, kind in enumerate(planned, 1):
        await chaos.round(kind)
        last = chaos.done[kind][-1]
        say(f"{number:4}/{len(planned)} {kind}: no post taken for {last.silence_s:.1f} s")


def plan(kinds: list[str], lasting: list[str], rounds: int, seed: int) -> list[str]:
    """What is done in each round: everything as often, and what lasts once, if everything else comes as well."""
    once = lasting if rounds >= len(kinds) + len(lasting) else []
    planned = (once + kinds * (rounds // len(kinds) + 1))[:rounds]
    random.Random(seed).shuffle(planned)
    return planned


async def _compare(site: Site, broker: Broker) -> None:
    """See that the database has what the topics say, as `crewhall log rebuild` does."""
    settings = LogSettings(log=LogEngine.KAFKA, kafka_bootstrap=broker.bootstrap)
    with psycopg.connect(site.postgres.superuser_url(DATABASE), autocommit=True) as connection:
        covered = coverage(connection)
        found = [one async for one in rebuild(connection, settings)]
    assert found, "there are topics"
    assert (len(found), covered.not_yet) == (covered.whole, 0), "each conversation was compared"
    assert [one for one in found if not one.is_equal] == []


def _find_disk(stack: ExitStack, say: Callable[[str], None]) -> SmallDisk | None:
    try:
        return stack.enter_context(SmallDisk(DISK))
    except NoSmallDisk as missing:
        say(f"No disk is filled: {missing}")
        return None
