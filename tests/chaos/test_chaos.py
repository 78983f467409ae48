"""A short part of `make chaos`: each thing that can be done, once."""

import os
import random

import pytest

from tests.chaos.running import run_chaos
from tests.support.site import Site

KINDS = 11


@pytest.mark.rule("X1", "X2", "C5")
@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_whatever_is_done_to_a_cluster_once_nothing_is_lost(site: Site):
    report = await run_chaos(site, KINDS, int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32)))
    print("\n".join(report.lines()))
    assert set(report.rounds.values()) == {1}
    assert report.posts > KINDS * 50
    assert report.seen > report.posts
