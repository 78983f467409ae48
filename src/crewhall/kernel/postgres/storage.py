"""Where the built-in database keeps its data, and how current its dump is: what a backup must take along."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from crewhall.kernel.postgres.dumps import dump_path, holds_everything, read_stamp
from crewhall.kernel.postgres.embedded import InstanceStatus
from crewhall.kernel.postgres.place import Place, find_place


@dataclass(frozen=True)
class Dump:
    """The newest dump of a data folder. `is_whole`: nothing was written since, which only a stop can tell."""

    path: Path
    made_at: datetime
    size_bytes: int
    is_whole: bool


@dataclass(frozen=True)
class Storage:
    """The folder of the data, whether the data folder contains it, and the dump; `data` is None before the start."""

    home: Path
    data: Path | None
    is_inside: bool
    dump: Dump | None


def look_at_storage(home: Path, run_as: str | None, found: InstanceStatus) -> Storage:
    """See where the data and the dump of a data folder are; changes nothing."""
    place = find_place(home.expanduser().resolve(), run_as)
    if place is None or found.version is None:
        return Storage(home, None, is_inside=True, dump=None)
    dump = _dump_of(place, found.version, is_stopped=found.pid is None)
    return Storage(home, place.data, is_inside=place.root == place.home, dump=dump)


def _dump_of(place: Place, version: str, *, is_stopped: bool) -> Dump | None:
    path = dump_path(place.home, version)
    stamp = read_stamp(path)
    if stamp is None:
        return None
    made_at = datetime.fromisoformat(stamp.made_at)
    return Dump(path, made_at, stamp.size_bytes, is_whole=is_stopped and holds_everything(place, path))
