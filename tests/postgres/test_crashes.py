"""Whatever is killed when, the next start finds everything that was committed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres import embedded
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.place import find_place
from crewhall.kernel.postgres.processes import command_line
from tests.postgres.conftest import MakePostgres, needs_root
from tests.support.waiting import PATIENCE

STARTER = """
import os, signal, sys, json
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
from crewhall.kernel.postgres import embedded
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), dump_on_stop=False)
urls = postgres.start()
print(json.dumps({"app": urls.app, "pid": postgres.status().pid}), flush=True)
sys.stdin.readline()
postgres.release()
"""


def starter(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str]) -> dict[str, object]:
    assert process.stdout is not None
    answer: dict[str, object] = json.loads(process.stdout.readline())
    return answer


def write_row(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("drop table if exists kept")
        connection.execute("create table kept (number int)")
        connection.execute("insert into kept values (1)")


def rows(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
        assert row is not None
        return int(row[0])


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10 * PATIENCE
    while command_line(pid):  # a zombie has none: who collects it, and when, is the machine's affair
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_killed_postgres_comes_back_with_every_committed_row(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    write_row(postgres.start().admin)
    status = postgres.status()
    kill(status.pid)
    assert status.socket_folder is not None
    assert list(status.socket_folder.glob(".s.PGSQL.*")), "the killed server leaves its socket"
    assert postgres.status().pid is None
    assert rows(postgres.start().admin) == 1


@pytest.mark.parametrize("owner", ["server", "root"])
def test_a_stale_pid_file_that_names_a_living_stranger(make_postgres: MakePostgres, owner: str) -> None:
    postgres = make_postgres()
    write_row(postgres.start().admin)
    place = find_place(postgres.home)
    assert place is not None
    pid_file = place.data / "postmaster.pid"
    text = pid_file.read_text()
    kill(postgres.status().pid)
    identity = place.account.identity() if owner == "server" else {}
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd="/", **identity)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *text.split("\n")[1:]]))
        place.account.own(pid_file)
        for lock in (place.root / "sock").glob("*.lock"):
            lock.write_text("\n".join([str(stranger.pid), *lock.read_text().split("\n")[1:]]))
        assert postgres.status().pid is None
        assert postgres.stop() is False
        assert rows(postgres.start().admin) == 1
        assert stranger.poll() is None, "the stranger was left alone"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_killed_server_process_leaves_postgres_to_the_next(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    with starter(postgres.home) as process:
        pid = said(process)["pid"]
        process.send_signal(signal.SIGKILL)
    assert psutil.pid_exists(int(str(pid)))
    postgres.start()
    assert postgres.status().pid == pid
    postgres.release()
    assert postgres.status().pid is None


def test_processes_that_start_at_once_share_one_server(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    processes = [starter(postgres.home) for _ in range(3)]
    answers = [said(process) for process in processes]
    assert len({str(answer) for answer in answers}) == 1
    for number, process in enumerate(processes):
        assert postgres.status().pid == answers[0]["pid"], f"{number} of 3 have left"
        process.communicate("\n")
        assert process.returncode == 0
    assert postgres.status().pid is None


def test_ctrl_c_on_the_terminal_leaves_postgres_running(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(postgres.home)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    with process:
        pid = said(process)["pid"]
        os.killpg(process.pid, signal.SIGINT)
    assert process.returncode != 0
    assert postgres.status().pid == pid


def test_a_first_start_that_was_killed_is_begun_again(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    postgres.start()
    postgres.stop()
    place = find_place(postgres.home)
    assert place is not None
    unfinished = place.root / ".postgres-init-killed"
    unfinished.mkdir()
    place.data.rename(unfinished / "data")
    urls = postgres.start()
    assert not unfinished.exists()
    with psycopg.connect(urls.app) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_damaged_data_folder_is_named_with_the_servers_own_words(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    postgres.start()
    postgres.stop()
    place = find_place(postgres.home)
    assert place is not None
    control = place.data / "global" / "pg_control"
    whole = control.read_bytes()
    control.write_bytes(b"\0" * len(whole))
    with pytest.raises(CrewhallError, match="ended while starting") as refused:
        postgres.start()
    assert "PG_CONTROL_VERSION" in refused.value.detail
    control.write_bytes(whole)
    postgres.start()


def test_lost_passwords_are_made_anew(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    old = postgres.start()
    write_row(old.admin)
    (postgres.home / "postgres.secrets").unlink()
    postgres.release()
    new = postgres.start()
    assert new.app != old.app
    assert rows(new.admin) == 1
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(old.app)


@needs_root
def test_a_home_may_be_moved_but_its_copy_is_no_twin(make_postgres: MakePostgres, tmp_path: Path) -> None:
    postgres = make_postgres("before")
    write_row(postgres.start().admin)
    postgres.release()
    (tmp_path / "before").rename(tmp_path / "after")
    moved = make_postgres("after")
    assert rows(moved.start().admin) == 1
    shutil.copytree(tmp_path / "after", tmp_path / "copy")
    with pytest.raises(CrewhallError, match="is a copy of"):
        EmbeddedPostgres(tmp_path / "copy").start()
    assert rows(moved.start().admin) == 1


@needs_root
def test_a_deleted_home_begins_afresh(make_postgres: MakePostgres) -> None:
    """The data of a closed home lies elsewhere; who deletes the home does not expect it to come back."""
    postgres = make_postgres()
    write_row(postgres.start().admin)
    old = postgres.status()
    assert old.data is not None
    shutil.rmtree(postgres.home)
    urls = make_postgres().start()
    assert old.pid is not None
    assert command_line(old.pid) == [], "the server of the deleted home was stopped"
    with psycopg.connect(urls.admin) as connection:
        assert connection.execute("select to_regclass('kept')").fetchone() == (None,)
    assert [path.name for path in old.data.parent.glob("postgres.deleted-home-*")]


def test_data_that_an_unseen_server_uses_is_left_alone(make_postgres: MakePostgres) -> None:
    """A container on the same volume does not see the other's processes, only that its socket answers."""
    postgres = make_postgres()
    postgres.start()
    place = find_place(postgres.home)
    folder = postgres.status().socket_folder
    assert place is not None
    assert folder is not None
    text = (place.data / "postmaster.pid").read_text()
    postgres.stop()
    (place.data / "postmaster.pid").write_text("\n".join(["999999999", *text.split("\n")[1:]]))
    with socket.socket(socket.AF_UNIX) as unseen:
        unseen.bind(str(folder / ".s.PGSQL.5432"))
        unseen.listen()
        with pytest.raises(CrewhallError, match="another container"):
            postgres.start()
    postgres.start()


def test_a_start_that_fails_leaves_no_server_behind(
    make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    postgres = make_postgres()
    monkeypatch.setattr(embedded, "_provision", interrupt)
    with pytest.raises(KeyboardInterrupt):
        postgres.start()
    assert postgres.status().pid is None


def test_the_log_stays_small(make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crewhall.kernel.postgres.serverlog.LIMIT_BYTES", 200)
    postgres = make_postgres()
    for _ in range(3):
        postgres.start()
        postgres.release()
    logs = sorted(path.name for path in (postgres.home / "logs").iterdir())
    assert logs == ["postgres.log", "postgres.log.1", "postgres.log.2"]
    assert (postgres.home / "logs" / "postgres.log").stat().st_size < 2000
