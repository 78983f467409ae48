"""Crewhall's Postgres: the one it brings (`embedded`), one of your own (`external`), and its migrations."""

from crewhall.kernel.postgres.embedded import EmbeddedPostgres, InstanceStatus
from crewhall.kernel.postgres.urls import DatabaseUrls

__all__ = ["DatabaseUrls", "EmbeddedPostgres", "InstanceStatus"]
