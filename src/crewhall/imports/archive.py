"""Archives that others made: looked through before anything of them is believed, and never unpacked on disk.

An entry is read by its name, piece by piece, and never past the size that it says. What only an attack (or an accident)
makes is refused as a whole.
"""

import stat
import struct
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import IO

from crewhall.kernel.errors import define_error

ARCHIVE_REFUSED = define_error("archive_refused", 422, "The archive cannot be imported")
MIB = 1024 * 1024
MAX_ENTRIES = 200_000
MAX_DIRECTORY = 64 * MIB
"""Bytes of the list of entries, which is read as a whole."""
MAX_TEXT = 128 * MIB
"""Bytes of one JSON file."""
MAX_UNPACKED = 64 * 1024 * MIB
MAX_RATIO, SMALL = 200, MIB
"""How much smaller than its content an entry may be. What is small enough may be as small as it likes."""
_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _LOCATOR_SIZE, _END64_SIZE, _MAX_COMMENT = 22, 20, 56, 65_535
_HEADER_SIZE = 30
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
CHUNK = 256 * 1024


class Archive:
    """A zip file that was looked through. Names are those below its root: the folder that `marker` stands in."""

    def __init__(self, path: Path, marker: str) -> None:
        """Raises ARCHIVE_REFUSED."""
        check_directory(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error) as error:
            raise refused("This is no zip file, or it is damaged.") from error
        try:
            _check_entries(self._zip.infolist(), path.stat().st_size)
            root = _root_of([entry.filename for entry in self._zip.infolist()], marker)
        except BaseException:
            self._zip.close()
            raise
        self._entries = {
            entry.filename.removeprefix(root): entry
            for entry in self._zip.infolist()
            if entry.filename.startswith(root) and not entry.is_dir()
        }
        self._folders: dict[str, list[str]] = {}
        for name in self._entries:
            folder, _, rest = name.rpartition("/")
            self._folders.setdefault(folder, []).append(rest)

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def names(self, folder: str) -> list[str]:
        """The names of what a folder holds, in order."""
        return sorted(self._folders.get(folder, ()))

    def folders(self, within: str) -> list[str]:
        """The folders right within a folder."""
        found = {name[len(within) + 1 :].partition("/")[0] for name in self._folders if name.startswith(f"{within}/")}
        return sorted(found)

    def has(self, name: str) -> bool:
        """Whether it holds an entry."""
        return name in self._entries

    def text(self, name: str) -> Generator[bytes, None, None]:
        """The bytes of a JSON file, as `pieces`. Raises ARCHIVE_REFUSED where there are too many."""
        if self._entries[name].file_size > MAX_TEXT:
            raise refused(f"{name} is larger than {MAX_TEXT // MIB} MiB.")
        return self.pieces(name)

    def pieces(self, name: str) -> Generator[bytes, None, None]:
        """The bytes of an entry, piece by piece. Raises ARCHIVE_REFUSED where they are damaged."""
        try:
            with self._open(name) as entry:
                while piece := entry.read(CHUNK):
                    yield piece
        except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
            raise refused(f"{name} is damaged.") from error
        except Exception as error:
            if type(error).__module__ != "zlib":
                raise
            raise refused(f"{name} is damaged.") from error

    def _open(self, name: str) -> IO[bytes]:
        return self._zip.open(self._entries[name])


def check_directory(path: Path) -> None:
    """Refuse a zip file whose list of entries is too large to be read, before it is. Raises ARCHIVE_REFUSED."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END_SIZE - _MAX_COMMENT - _LOCATOR_SIZE))
        tail = file.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + _END_SIZE:
            raise refused("This is no zip file, or it is not whole.")
        entries, length = struct.unpack_from("<HI", tail, at + 10)
        locator = tail[max(0, at - _LOCATOR_SIZE) : at]
        if locator.startswith(_LOCATOR64):
            begins = size - len(tail) + at - _LOCATOR_SIZE - _END64_SIZE  # where `zipfile` looks, whatever is stated
            file.seek(max(begins, 0))
            large = file.read(_END64_SIZE)
            stated = struct.unpack_from("<Q", locator, 8)[0]
            if stated != begins or len(large) < _END64_SIZE or not large.startswith(_END64):
                raise refused("This is no zip file, or it is damaged.")
            entries, length = struct.unpack_from("<Q8xQ", large, 24)[0], struct.unpack_from("<Q", large, 40)[0]
    if entries > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise refused(f"It holds more than {MAX_ENTRIES:,} files.")


def refused(why: str) -> Exception:
    """What is raised of an archive that is not taken."""
    return ARCHIVE_REFUSED(why)


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    seen: set[str] = set()
    unpacked = 0
    for entry in entries:
        _check_entry(entry)
        if entry.filename in seen:
            raise refused(f"It holds {_shown(entry)} twice.")
        seen.add(entry.filename)
        unpacked += entry.file_size
    if len(entries) > MAX_ENTRIES:
        raise refused(f"It holds more than {MAX_ENTRIES:,} files.")
    if unpacked > MAX_UNPACKED:
        raise refused(f"Unpacked it would have more than {MAX_UNPACKED // MIB // 1024} GiB.")
    _check_overlaps(entries, size)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith("/") or "\\" in name or "\0" in entry.orig_filename or ".." in parts or ":" in parts[0]:
        raise refused(f"It holds {_shown(entry)}, a name that leads out of it.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise refused(f"It holds {_shown(entry)}, a link.")
    if entry.flag_bits & 0x1:
        raise refused("It is protected by a password. Send it without.")
    if entry.compress_type not in _METHODS:
        raise refused(f"{_shown(entry)} is packed in a way that is not read here. Pack it again as a plain zip file.")
    if entry.file_size > SMALL and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        raise refused(f"{_shown(entry)} would grow to more than {MAX_RATIO} times its size.")


def _check_overlaps(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse entries that share bytes: a few of them would unpack to any size."""
    end = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < end:
            raise refused(f"{_shown(entry)} overlaps with another file.")
        end = entry.header_offset + _HEADER_SIZE + entry.compress_size
    if end > size:
        raise refused("It is not whole.")


def _root_of(names: list[str], marker: str) -> str:
    """Where the marker stands: at the top, or in the one folder that somebody packed."""
    if marker in names:
        return ""
    within = [name.removesuffix(marker) for name in names if name.count("/") == 1 and name.endswith(f"/{marker}")]
    if len(within) == 1:
        return within[0]
    raise refused(f"It holds no {marker}: this is no export of a Slack workspace.")


def _shown(entry: zipfile.ZipInfo) -> str:
    return "".join(one if one.isprintable() else "�" for one in entry.filename[:80])
