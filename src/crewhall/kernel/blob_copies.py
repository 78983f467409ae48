"""Copies of a folder of blobs beside a dump: blobs never change, so each is copied once, at best for no room."""

import os
import shutil
from pathlib import Path

UNFINISHED = ".unfinished"


def copy_blobs(source: Path, target: Path) -> None:
    """Let `target` hold every blob that `source` holds; what both have is left as it is.

    Links where both are on one disk, copies elsewhere. A blob that is removed meanwhile is no error.
    """
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_file() and not path.name.endswith(UNFINISHED) and not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _copy(path, place)


def drop_others(source: Path, target: Path) -> None:
    """Remove from `target` what `source` does not hold any more."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_file() and not (source / path.relative_to(target)).exists():
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _copy(path: Path, place: Path) -> None:
    try:
        os.link(path, place)
    except FileNotFoundError:
        return
    except OSError:
        unfinished = place.with_name(place.name + UNFINISHED)
        shutil.copyfile(path, unfinished)
        unfinished.replace(place)
