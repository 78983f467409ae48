"""Where the command line keeps its sign-ins: one private file below XDG_CONFIG_HOME, by server."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from crewhall.faces.sdk.tokens import Tokens


class _KeptTokens(msgspec.Struct):
    access: str
    refresh: str | None = None


class _Kept(msgspec.Struct):
    current: str | None = None
    servers: dict[str, _KeptTokens] = {}


class Logins:
    """The file `crewhall/logins.json` (0600): tokens by server, and the server signed in to last."""

    def __init__(self) -> None:
        base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        self.path = Path(base) / "crewhall" / "logins.json"

    def current(self) -> str | None:
        """The server that one signed in to last."""
        current = self._read().get("current")
        return str(current) if current else None

    def store(self, server: str) -> "LoginStore":
        """The tokens of one server."""
        return LoginStore(self, server)

    def load(self, server: str) -> Tokens | None:
        """Read the tokens of a server."""
        found = self._read()["servers"].get(server)
        return Tokens(found["access"], found.get("refresh")) if found else None

    def save(self, server: str, tokens: Tokens | None) -> None:
        """Write the tokens of a server, which becomes the current one; None forgets it."""
        kept = self._read()
        if tokens is None:
            kept["servers"].pop(server, None)
            kept["current"] = None if kept.get("current") == server else kept.get("current")
        else:
            kept["servers"][server] = {"access": tokens.access, "refresh": tokens.refresh}
            kept["current"] = server
        self._write(kept)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the file against other commands: a refresh token is good once."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _read(self) -> dict[str, Any]:
        """What is kept; a file that is damaged keeps nothing, and signing in writes it anew."""
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            kept = _Kept()
        found: dict[str, Any] = msgspec.to_builtins(kept)
        return found

    def _write(self, kept: dict[str, Any]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(kept, file, indent=1)
        unfinished.replace(self.path)


class LoginStore:
    """The tokens of one server, as the client wants them kept."""

    def __init__(self, logins: Logins, server: str) -> None:
        self._logins = logins
        self._server = server

    def load(self) -> Tokens | None:
        """Give the newest tokens: another command may have renewed them."""
        return self._logins.load(self._server)

    def save(self, tokens: Tokens | None) -> None:
        """Keep these tokens instead."""
        self._logins.save(self._server, tokens)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the file against other commands."""
        with self._logins.exclusive():
            yield
