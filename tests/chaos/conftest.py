"""The home that cluster tests use, for chaos."""

from tests.cluster.conftest import site

__all__ = ["site"]
