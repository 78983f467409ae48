"""A dump has the blobs beside it, and a restore brings them back."""

from pathlib import Path

import pytest

from crewhall.kernel.blob_copies import copy_blobs, drop_others
from crewhall.kernel.postgres import __main__ as command

Files = dict[str, bytes]


def fill(folder: Path, files: Files) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def held(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.rule("D15")
def test_a_dump_and_a_restore_take_the_blobs_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home, other = tmp_path / "home", tmp_path / "other"
    dump = home / "dumps" / "crewhall-postgres-18.dump"
    fill(home, {"blobs/org/one": b"1", "blobs/org/two": b"2", "blobs/org/three.unfinished": b"half", "dumps/x": b""})
    monkeypatch.setattr(command, "ensure_upgrade_dump", lambda _home: dump)
    monkeypatch.setattr(command, "restore_dump", lambda _home, _dump: None)
    assert command.main(["dump", str(home)]) == 0
    assert held(home / "dumps" / "blobs") == {"org/one": b"1", "org/two": b"2"}
    (home / "blobs/org/one").unlink()
    assert command.main(["dump", str(home)]) == 0
    assert held(home / "dumps" / "blobs") == {"org/two": b"2"}
    fill(other, {"blobs/org/new": b"3"})
    assert command.main(["restore", str(other), str(dump)]) == 0
    assert held(other / "blobs") == {"org/new": b"3", "org/two": b"2"}


def test_where_there_is_nothing_to_copy_nothing_is_made(tmp_path: Path):
    copy_blobs(tmp_path / "nowhere", tmp_path / "target")
    drop_others(tmp_path / "nowhere", tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_another_disk_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("os.link", refuse)
    fill(tmp_path / "source", {"a/b": b"1"})
    copy_blobs(tmp_path / "source", tmp_path / "target")
    assert held(tmp_path / "target") == {"a/b": b"1"}
