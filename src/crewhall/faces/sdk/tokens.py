"""Where a client keeps its tokens: in memory, unless it is given a store of its own (the command line keeps a file)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import msgspec


class Tokens(msgspec.Struct, frozen=True):
    """An access token or agent key, and, for people, the refresh token that renews it once."""

    access: str
    refresh: str | None = None


class TokenStore(Protocol):
    """Keeps the tokens of one server. A refresh token is good once, so renewing happens inside `exclusive`."""

    def load(self) -> Tokens | None:
        """Give the newest tokens, or None when nobody has signed in."""
        ...

    def save(self, tokens: Tokens | None) -> None:
        """Keep these tokens instead; None forgets them."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the store alone, against other processes too if it is shared with them."""
        ...


class MemoryTokens:
    """A store that lives as long as its client."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    def load(self) -> Tokens | None:
        """Give the newest tokens."""
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        """Keep these tokens instead."""
        self._tokens = tokens

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else sees this store."""
        yield
