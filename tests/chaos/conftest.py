"""The homes that cluster tests use, for chaos; and a broker that links lead to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.broker import Broker
from tests.cluster.conftest import kafka_site, site
from tests.support.kafka import jars_or_skip
from tests.support.links import far_ports
from tests.support.said import note_log

__all__ = ["kafka_site", "own_broker", "site"]


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker for one test alone, which some reach by a way of their own; it runs already."""
    made = Broker(jars_or_skip(), tmp_path / "kafka", far=far_ports())
    note_log(made.log_file)
    made.start()
    yield made
    made.stop()
