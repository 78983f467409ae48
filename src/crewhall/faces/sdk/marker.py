"""How far an agent has come in one conversation: everything up to the marker is dealt with, whatever crashes."""


class Marker:
    """Messages may be finished out of order; the marker stands before the first that is not.

    `seq` is where the marker may be saved, `saved` where the server has it.
    """

    def __init__(self, conversation_id: str, seq: int) -> None:
        self.conversation_id = conversation_id
        self.saved = seq
        self._last = seq
        self._open: set[int] = set()

    @property
    def seq(self) -> int:
        """The last seq before which nothing is open."""
        return min(self._open) - 1 if self._open else self._last

    def begin(self, seq: int) -> None:
        """A record that must be dealt with has come."""
        self._open.add(seq)
        self._last = max(self._last, seq)

    def finish(self, seq: int) -> None:
        """A record is dealt with; one that needed nothing may be finished without having begun."""
        self._open.discard(seq)
        self._last = max(self._last, seq)
