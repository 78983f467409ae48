"""Migrations: once each, whoever starts when; never backwards."""

import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import migrate as migrate_module
from crewhall.kernel.postgres.migrate import migrate, revisions
from crewhall.kernel.postgres.provision import provision_database, provision_schema
from crewhall.kernel.postgres.urls import with_parameters
from tests.postgres.conftest import Running

REVISION = """
from crewhall.migrations.runner import run_sql
revision = "{number:04}"
down_revision = {previous!r}
def upgrade():
    run_sql(__file__)
"""


def add_revision(directory: Path, number: int, statements: str) -> None:
    versions = directory / "versions"
    versions.mkdir(exist_ok=True)
    previous = f"{number - 1:04}" if number > 1 else None
    (versions / f"{number:04}_step.py").write_text(REVISION.format(number=number, previous=previous))
    (versions / f"{number:04}_step.sql").write_text(statements)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    add_revision(tmp_path, 1, "create table steps (number int); insert into steps values (1); -- 100% of it")
    add_revision(tmp_path, 2, "insert into steps values (2); select pg_sleep(0.1);")
    return tmp_path


@pytest.fixture
def admin_url(running: Running) -> Iterator[str]:
    """The admin's address in an empty database."""
    name = f"m_{uuid.uuid4().hex[:8]}"
    with running.superuser("postgres") as connection:
        provision_database(connection, name)
    with running.superuser(name) as connection:
        provision_schema(connection)
    yield with_parameters(running.urls.admin, dbname=name)
    with running.superuser("postgres") as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def steps(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("select number from steps order by 1").fetchall()]


def test_each_revision_runs_once(admin_url: str, directory: Path) -> None:
    assert revisions(directory) == ["0001", "0002"]
    assert migrate(admin_url, directory) == ["0001", "0002"]
    assert migrate(admin_url, directory) == []
    add_revision(directory, 3, "insert into steps values (3)")
    assert migrate(admin_url, directory) == ["0003"]
    assert steps(admin_url) == [1, 2, 3]


def test_processes_that_start_at_once_migrate_once(admin_url: str, directory: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from crewhall.kernel.postgres.migrate import migrate;"
        " print(len(migrate(sys.argv[1], Path(sys.argv[2]))))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", script, admin_url, str(directory)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    applied = sorted(int(process.communicate(timeout=60)[0]) for process in processes)
    assert applied == [0, 0, 0, 2]
    assert steps(admin_url) == [1, 2]


def test_a_database_that_is_newer_is_refused(admin_url: str, directory: Path) -> None:
    add_revision(directory, 3, "select 1")
    migrate(admin_url, directory)
    (directory / "versions" / "0003_step.py").unlink()
    with pytest.raises(CrewhallError, match="revision 0003") as refused:
        migrate(admin_url, directory)
    assert refused.value.code == "database_version"
    assert "newer version" in refused.value.fields["mend"]


def test_a_database_of_another_build_is_refused_and_told_from_ours(admin_url: str, directory: Path) -> None:
    migrate(admin_url, directory)
    path = directory / "versions" / "0001_step.sql"
    ours = path.read_text()
    path.write_text(ours + "\n-- another build's")
    with pytest.raises(CrewhallError, match="its revision 0001 is not the one of this code") as refused:
        migrate(admin_url, directory)
    assert refused.value.code == "database_version"
    assert "Run the build that made it" in refused.value.fields["mend"]
    path.write_text(ours)
    assert migrate(admin_url, directory) == []
    with psycopg.connect(admin_url) as connection:
        connection.execute("drop table revision_digests")
    with pytest.raises(CrewhallError, match="revision 0001"):
        migrate(admin_url, directory)


def test_a_failing_revision_leaves_the_database_as_it_was(admin_url: str, directory: Path) -> None:
    add_revision(directory, 3, "insert into steps values (3); select 1 / 0;")
    with pytest.raises(CrewhallError, match="Revision 0003 was rolled back: division by zero") as failed:
        migrate(admin_url, directory)
    assert failed.value.code == "migration_failed"
    assert steps(admin_url) == [1, 2]
    (directory / "versions" / "0003_step.sql").write_text("insert into steps values (3)")
    assert migrate(admin_url, directory) == ["0003"]


def test_a_busy_table_is_waited_for_briefly_again_and_again(
    admin_url: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(admin_url, directory)
    monkeypatch.setattr(migrate_module, "TABLE_LOCK_SECONDS", 0.05)
    add_revision(directory, 3, "alter table steps add column more int; insert into steps values (3);")
    told = threading.Event()
    done: list[str] = []
    with psycopg.connect(admin_url) as holder:
        holder.execute("select * from steps")

        def progress(text: str) -> None:
            if "busy" in text:
                told.set()

        worker = threading.Thread(target=lambda: done.extend(migrate(admin_url, directory, on_progress=progress)))
        worker.start()
        assert told.wait(20)
        holder.rollback()
        worker.join(20)
    assert done == ["0003"]
    assert steps(admin_url) == [1, 2, 3]


def imported_by_migrating(admin_url: str, directory: Path) -> str:
    script = (
        "import sys; from pathlib import Path; from crewhall.kernel.postgres.migrate import migrate;"
        " migrate(sys.argv[1], Path(sys.argv[2]));"
        " print([m for m in ('alembic', 'sqlalchemy', 'pygments') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, admin_url, str(directory)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_nothing_heavy_is_imported_when_nothing_is_pending(admin_url: str, directory: Path) -> None:
    assert imported_by_migrating(admin_url, directory) == "['alembic', 'sqlalchemy']"
    assert imported_by_migrating(admin_url, directory) == "[]"


def test_an_unreachable_database_is_named(directory: Path) -> None:
    with pytest.raises(CrewhallError, match="cannot be reached") as refused:
        migrate("postgresql://someone:secret@127.0.0.1:1/nothing", directory)
    assert refused.value.code == "database_unreachable"
    assert "secret" not in refused.value.detail


def test_every_revision_of_ours_has_its_sql_and_follows_the_one_before() -> None:
    numbers = revisions()
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    for path in (migrate_module.DIRECTORY / "versions").glob("*.py"):
        assert path.with_suffix(".sql").exists(), path.name
