"""Where one home's Postgres lives: in the home itself or, when the server's user cannot enter it, below /var/lib."""

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.account import Account, can_reach, choose_account
from crewhall.kernel.postgres.durably import write_durably
from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure

ELSEWHERE = Path("/var/lib/crewhall")
POINTER = "postgres.place"
OWNER_MARK = "home"


@dataclass(frozen=True)
class Place:
    """The folders of one instance. `root` belongs to us; `data` and the socket folder to the server's user."""

    home: Path
    root: Path
    account: Account

    @property
    def data(self) -> Path:
        """The data folder (PGDATA)."""
        return self.root / "postgres"

    @property
    def logs(self) -> Path:
        """The folder of the server's log."""
        return self.home / "logs"

    @property
    def key(self) -> str:
        """A short name that no other home on this machine has."""
        return home_key(self.home)


def make_home(home: Path) -> None:
    """Make the home if there is none; refuse one that this user may not write."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(home, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise failure(
            EMBEDDED_POSTGRES,
            f"The data folder {home} cannot be written by this user.",
            "Start Crewhall as the user who made it, or set CREWHALL_HOME to a folder of your own.",
        )


def home_key(home: Path) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the home's real path."""
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def find_place(home: Path, run_as: str | None = None) -> Place | None:
    """The place where this home's data already is, or None; changes nothing but the mark of a home that has moved."""
    if (home / "postgres" / "PG_VERSION").exists():
        return Place(home, home, choose_account(run_as, home / "postgres"))
    if not (home / POINTER).exists():
        return None
    root = Path(json.loads((home / POINTER).read_text())["root"])
    if not root.is_dir():
        raise failure(
            EMBEDDED_POSTGRES,
            f"{home / POINTER} says that the database of this home is in {root}, which is gone.",
            "Bring that folder back, or remove the file to begin with an empty database.",
        )
    _claim(root, home)
    return Place(home, root, choose_account(run_as, root / "postgres"))


def make_place(home: Path, run_as: str | None = None) -> Place:
    """The home's place; where there is none yet, its folder is made, and `settle` must say that the home now uses it.

    No folder that exists has its rights changed.
    """
    found = find_place(home, run_as)
    if found is not None:
        return found
    account = choose_account(run_as, None)
    if account.is_self or can_reach(home, account):
        return Place(home, home, account)
    root = ELSEWHERE / home_key(home)
    try:
        for folder in (ELSEWHERE, root):
            _make_folder(folder, 0o711)
    except OSError as error:
        raise _no_place(home, account, str(error)) from error
    if not can_reach(root, account):
        raise _no_place(home, account, f"{root} is closed to it as well")
    return Place(home, root, account)


def settle(place: Place) -> None:
    """Note in the home where its database is, and there whose it is."""
    if place.root != place.home:
        _claim(place.root, place.home)
        write_durably(place.home / POINTER, json.dumps({"root": str(place.root)}))


def _no_place(home: Path, account: Account, why: str) -> CrewhallError:
    return failure(
        EMBEDDED_POSTGRES,
        f"{account.name}, who runs Postgres for root, may not enter {home}, and there is no other place: {why}.",
        f"Set CREWHALL_HOME to a folder that {account.name} may enter, or start Crewhall as an ordinary user.",
    )


def _make_folder(folder: Path, mode: int) -> None:
    try:
        folder.mkdir(mode=mode)
        folder.chmod(mode)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            raise PermissionError(f"{folder} is not a folder that only root may change") from None


def _claim(root: Path, home: Path) -> None:
    """Mark the place as this home's. A copied home must not share the original's database; a moved one keeps it."""
    mark = root / OWNER_MARK
    owner = Path(mark.read_text()) if mark.exists() else home
    if owner != home and _points_to(owner, root):
        raise failure(
            EMBEDDED_POSTGRES,
            f"{home} is a copy of {owner}: both name the database in {root}.",
            f"Remove {home / POINTER} to give the copy an empty database (its dump can be restored into it).",
        )
    if owner != home or not mark.exists():
        write_durably(mark, str(home))


def _points_to(home: Path, root: Path) -> bool:
    try:
        return bool(json.loads((home / POINTER).read_text())["root"] == str(root))
    except (OSError, ValueError, KeyError):
        return False
