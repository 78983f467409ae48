"""GitHub's API, as far as we ask it: one request with somebody's rights, and what came back.

Whoever implements it neither waits nor repeats: who asks decides about that.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from crewhall.kernel.errors import define_error

GITHUB_LOGIN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$"
"""How GitHub calls people and apps."""
GITHUB_REFUSED = define_error("github_refused", 502, "GitHub refused")
GITHUB_AWAY = define_error("github_away", 503, "GitHub does not answer")
GITHUB_LIMITED = define_error("github_limited", 503, "GitHub asks us to wait")


class Access(msgspec.Struct, frozen=True):
    """With whose rights: a token, or an app (its private key) and, where it acts for one, an installation."""

    secret: str
    app_id: int | None = None
    installation_id: int | None = None

    def __repr__(self) -> str:
        return f"Access(app_id={self.app_id}, installation_id={self.installation_id})"


class GithubAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `body` is None where nothing changed (304). `last_page`: the number of the last page, if told."""

    status: int
    body: Any
    etag: str | None = None
    last_page: int | None = None
    has_next: bool = False


class Github(Protocol):
    """One request at a time."""

    async def ask(
        self,
        access: Access,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        etag: str | None = None,
    ) -> GithubAnswer:
        """Ask for `path` (`/repos/…`).

        Raises GITHUB_LIMITED (`wait_s`: how long to wait), GITHUB_AWAY (no answer, or one of its own failures),
        GITHUB_REFUSED (`status`: what it said).
        """
        ...

    async def close(self) -> None:
        """Let go of what is held."""
        ...
