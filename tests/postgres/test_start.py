"""The built-in Postgres: how it starts, who may reach it, who shares it."""

import contextlib
import os
import stat
from pathlib import Path

import psutil
import psycopg
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.account import choose_account
from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.place import Place
from crewhall.kernel.postgres.sockets import choose_socket_folder
from crewhall.kernel.postgres.urls import url_parameters, with_parameters
from tests.postgres.conftest import MakePostgres, Running, free_port, needs_root


def internet_sockets(pid: int) -> list[tuple[str, str]]:
    """The address and state of every TCP or UDP socket of the server and its children, some of which come and go."""
    found = []
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [(used.laddr.ip, used.status) for used in process.net_connections("inet")]
    return found


def family(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def test_each_role_logs_in_as_itself(running: Running) -> None:
    for url, role in (
        (running.urls.admin, "crewhall_admin"),
        (running.urls.app, "crewhall_app"),
        (running.urls.read, "crewhall_read"),
    ):
        with psycopg.connect(url) as connection:
            row = connection.execute("select current_user, current_database()").fetchone()
        assert row == (role, "crewhall")


@needs_root
def test_under_root_the_server_is_an_unprivileged_user(running: Running) -> None:
    uids: set[int] = set()
    for process in family(running.pid):
        with contextlib.suppress(psutil.NoSuchProcess):  # a worker of the server's own that has just ended
            uids.update(process.uids())
    assert uids == {choose_account(None, None).uid}
    assert 0 not in uids


@needs_root
def test_a_closed_home_stays_closed_and_the_data_lies_elsewhere(make_postgres: MakePostgres, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    before = {folder: folder.stat().st_mode for folder in (home, *home.parents)}
    postgres = make_postgres("home")
    postgres.start()
    data = postgres.status().data
    assert data is not None
    assert not data.is_relative_to(home)
    assert {folder: folder.stat().st_mode for folder in before} == before
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert data.parent.stat().st_uid == 0
    assert not data.parent.stat().st_mode & 0o022
    assert make_postgres("home").status().data == data, "another process finds it by the home alone"


def test_it_listens_on_no_port(running: Running) -> None:
    assert internet_sockets(running.pid) == []
    with running.superuser() as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_it_listens_on_loopback_when_told(make_postgres: MakePostgres) -> None:
    port = free_port()
    urls = make_postgres(listen_tcp_port=port).start()
    with psycopg.connect(with_parameters(urls.app, host="127.0.0.1", port=str(port))) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    pid = make_postgres(listen_tcp_port=port).status().pid
    assert pid is not None
    assert {address for address, state in internet_sockets(pid) if state == "LISTEN"} == {"127.0.0.1"}


def test_a_changed_port_restarts_a_server_that_nobody_else_uses(make_postgres: MakePostgres) -> None:
    alone = make_postgres()
    alone.start()
    port = free_port()
    changed = make_postgres(listen_tcp_port=port)
    changed.start()
    assert changed.status().tcp_port is None, "somebody uses it: it is shared as it is"
    alone.release()
    changed.release()
    changed.start()
    assert changed.status().tcp_port == port


def test_nobody_enters_without_the_password(running: Running) -> None:
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(with_parameters(running.urls.app, password=password))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(with_parameters(running.urls.app, user="postgres", password=""))


def test_passwords_are_private_and_differ(running: Running) -> None:
    assert stat.S_IMODE((running.postgres.home / "postgres.secrets").stat().st_mode) == 0o600
    urls = (running.urls.admin, running.urls.app, running.urls.read, running.postgres.superuser_url())
    passwords = {url_parameters(url)["password"] for url in urls}
    assert len(passwords) == 4
    assert min(map(len, passwords)) >= 40


def test_the_socket_folder_is_private(running: Running) -> None:
    folder = running.postgres.status().socket_folder
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_data_is_durable_and_checked(running: Running) -> None:
    wanted = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "jit": "off",
    }
    with running.superuser() as connection:
        names = list(wanted)
        found = connection.execute("select name, setting from pg_settings where name = any(%s)", [names]).fetchall()
        unicode = connection.execute("select lower('ÄÖÜ')").fetchone()
    assert dict(found) == wanted
    assert unicode == ("äöü",)


def test_the_terminals_interrupt_does_not_reach_it(running: Running) -> None:
    assert os.getsid(running.pid) != os.getsid(0)
    assert psutil.Process(running.pid).terminal() is None
    assert psutil.Process(running.pid).ppid() != os.getpid()


def test_the_environment_of_the_caller_does_not_reach_it(
    make_postgres: MakePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    urls = make_postgres().start()
    with psycopg.connect(urls.app) as connection:
        assert connection.execute("show lc_messages").fetchone() == ("C",)


def test_the_last_user_stops_it(make_postgres: MakePostgres) -> None:
    first, second = make_postgres(), make_postgres()
    urls = first.start()
    pid = first.status().pid
    assert second.start() == urls
    assert second.status().pid == pid
    first.release()
    assert second.status().pid == pid
    with psycopg.connect(urls.app) as connection:
        connection.execute("select 1")
    second.release()
    assert second.status().pid is None


def test_stop_does_not_ask_who_uses_it(make_postgres: MakePostgres) -> None:
    postgres = make_postgres()
    assert postgres.stop() is False
    postgres.start()
    assert make_postgres().stop() is True
    assert postgres.status().pid is None
    postgres.release()


def test_two_homes_share_nothing_and_a_long_path_still_gets_a_socket(
    running: Running, make_postgres: MakePostgres
) -> None:
    other = make_postgres("-".join(["long"] * 20) + "/" + "-".join(["home"] * 20))
    urls = other.start()
    with psycopg.connect(urls.app) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert other.status().pid != running.pid
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(with_parameters(urls.app, password=url_parameters(running.urls.app)["password"]))


def test_a_socket_folder_that_somebody_else_made_is_not_used(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / ("x" * 100), choose_account(None, None))
    squatted = Path(f"/tmp/crewhall-{place.account.uid}-{place.key}")
    private = Path(f"/run/crewhall-{place.key}")
    try:
        squatted.mkdir(mode=0o777)
        squatted.chmod(0o777)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", "/nonexistent")
            patch.setattr("crewhall.kernel.postgres.sockets.RUN", Path("/nonexistent"))
            with pytest.raises(CrewhallError, match="is not a private folder of"):
                choose_socket_folder(place)
            squatted.rmdir()
            assert choose_socket_folder(place) == squatted
            assert stat.S_IMODE(squatted.stat().st_mode) == 0o700
    finally:
        squatted.rmdir()
        assert not private.exists()


@needs_root
def test_under_root_an_open_home_keeps_the_data_itself(foreign: Running) -> None:
    data = foreign.postgres.status().data
    assert data == foreign.postgres.home / "postgres"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert data.stat().st_uid == choose_account(None, None).uid
    assert stat.S_IMODE(foreign.postgres.home.stat().st_mode) == 0o711


def test_an_unknown_user_is_refused_with_the_way_out() -> None:
    if os.geteuid() != 0:
        pytest.skip("the setting counts under root alone")
    with pytest.raises(CrewhallError, match="useradd") as refused:
        choose_account("nobody-of-this-name", None)
    assert refused.value.code == "embedded_postgres"


def test_status_of_an_empty_home_changes_nothing(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "empty")
    assert postgres.status().pid is None
    assert postgres.stop() is False
    postgres.release()
    assert not (tmp_path / "empty").exists()
