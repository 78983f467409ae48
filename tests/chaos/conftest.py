"""The homes that cluster tests use, for chaos."""

from tests.cluster.conftest import kafka_site, site

__all__ = ["kafka_site", "site"]
