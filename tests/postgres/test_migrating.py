"""Migrations in a process of their own: as `migrate` itself, and the server imports nothing of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.migrating import migrator
from tests.postgres.test_migrate import add_revision, admin_url, directory, steps

__all__ = ["admin_url", "directory"]


def test_a_process_migrates_once_and_says_so(admin_url: str, directory: Path) -> None:
    said: list[str] = []
    with migrator(directory) as migrating:
        migrating.prepare()
        assert migrating.migrate(admin_url, said.append) == ["0001", "0002"]
    assert said == ["migrating the database to revision 0002"]
    with migrator(directory) as migrating:
        assert migrating.migrate(admin_url, said.append) == []
    assert steps(admin_url) == [1, 2]


def test_what_it_refuses_is_raised_here(admin_url: str, directory: Path) -> None:
    add_revision(directory, 3, "insert into nothing values (3)")
    with migrator(directory) as migrating, pytest.raises(CrewhallError) as refused:
        migrating.migrate(admin_url, lambda _: None)
    assert refused.value.code == "migration_failed"
    assert 'relation "nothing" does not exist' in refused.value.detail
    assert refused.value.fields["mend"].startswith("Report it")


def test_one_that_is_killed_is_told(admin_url: str, directory: Path) -> None:
    add_revision(directory, 3, "select pg_sleep(60)")
    with migrator(directory) as migrating, pytest.raises(CrewhallError) as refused:
        migrating.migrate(admin_url, lambda _: os.kill(migrating.pid or 0, signal.SIGKILL))
    assert (refused.value.code, "status -9" in refused.value.detail) == ("migration_failed", True)


def test_the_process_that_serves_imports_none_of_it() -> None:
    program = "import sys, crewhall.main; print([name for name in ('alembic', 'sqlalchemy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"[]\n"
