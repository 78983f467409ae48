"""Keys that this process has seen proved: what others guess at their prefix cannot lock them out."""

from collections import OrderedDict

from crewhall.kernel.crypto import digest

MAX_KEYS = 20_000


class ProvenKeys:
    """The digests of keys that were verified and not refused since; the least recently verified go first.

    Being here admits nobody: a key is verified anew whenever `kernel.verified` has forgotten it.
    """

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def find(self, key: str) -> bytes | None:
        """The digest of a proven key, or None."""
        found = digest(key)
        return found if found in self._digests else None

    def add(self, key: str) -> None:
        """Remember a key that was verified."""
        proven = digest(key)
        self._digests[proven] = None
        self._digests.move_to_end(proven)
        if len(self._digests) > MAX_KEYS:
            self._digests.popitem(last=False)

    def discard(self, key: str) -> None:
        """Forget a key that was refused."""
        self._digests.pop(digest(key), None)
