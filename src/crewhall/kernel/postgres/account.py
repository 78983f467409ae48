"""The user that the server runs as: ourselves, or, because Postgres refuses root, an unprivileged one."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from crewhall.kernel.postgres.errors import EMBEDDED_POSTGRES, failure

CANDIDATES = ("crewhall", "postgres", "nobody")
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
"""Nothing of the caller's environment (PGDATA, PGPORT, LD_PRELOAD, …) reaches the server."""


class Identity(TypedDict, total=False):
    """Arguments for subprocess that change user; empty when no change is needed."""

    user: int
    group: int
    extra_groups: list[int]


class Detached(Identity):
    """Arguments for subprocess that start a program as a user, away from our terminal, folder and environment."""

    cwd: str
    env: dict[str, str]
    umask: int
    start_new_session: bool


@dataclass(frozen=True)
class Account:
    """A user of the passwd database."""

    name: str
    uid: int
    gid: int

    @property
    def is_self(self) -> bool:
        """Whether this process already runs as that user."""
        return self.uid == os.geteuid()

    def identity(self) -> Identity:
        """How to start a program as this user."""
        return {} if self.is_self else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def detached(self) -> Detached:
        """How to start a program of the server's as this user: what it writes is for this user's eyes alone."""
        return {
            "cwd": "/",
            "env": CLEAN_ENVIRONMENT,
            "umask": 0o077,
            "start_new_session": True,
            **self.identity(),
        }

    def own(self, path: Path) -> None:
        """Give a file or folder that we have just made to this user."""
        if not self.is_self:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def choose_account(run_as: str | None, data: Path | None) -> Account:
    """Who runs the server: the owner of the data that is there, else ourselves, else (as root) an unprivileged user.

    Raises when the uid has no passwd entry (initdb needs one) or when root has nobody to become.
    """
    me = os.geteuid()
    if me != 0:
        return _entry(me)
    if data is not None and data.exists() and (owner := data.stat().st_uid) != 0:
        return _entry(owner)
    for name in (run_as,) if run_as else CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_name, found.pw_uid, found.pw_gid)
    wanted = f"the user {run_as!r}" if run_as else "a user named crewhall, postgres or nobody"
    raise failure(
        EMBEDDED_POSTGRES,
        f"Postgres refuses to run as root, and {wanted} does not exist (or is root).",
        "Make one with `useradd --system crewhall`, or start Crewhall as an ordinary user.",
    )


def _entry(uid: int) -> Account:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        raise failure(
            EMBEDDED_POSTGRES,
            f"User id {uid} has no entry in /etc/passwd, which Postgres needs.",
            f"Add one (`echo 'crewhall:x:{uid}:{uid}::/:/bin/false' >> /etc/passwd` in the image) or set"
            " CREWHALL_DATABASE_URL.",
        ) from None
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


def can_reach(path: Path, account: Account) -> bool:
    """Whether the account may enter the folder and every folder above it, judged by the permission bits."""
    groups = {account.gid, *os.getgroups()} if account.is_self else {account.gid}
    for folder in (path, *path.parents):
        try:
            found = folder.stat()
        except OSError:
            return False
        if found.st_uid == account.uid:
            allowed = found.st_mode & 0o100
        else:
            allowed = found.st_mode & (0o010 if found.st_gid in groups else 0o001)
        if not allowed:
            return False
    return True
