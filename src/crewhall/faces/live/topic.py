"""What the hub knows of one conversation that somebody listens to: its tail, and its listeners."""

from collections import deque
from uuid import UUID

from crewhall.faces.live.frames import Frame, record_frame
from crewhall.faces.live.listener import Listener
from crewhall.ports.message_log import Record, RecordType

TAIL = 200


class Topic:
    """The tail is contiguous: every record after `floor` up to `last_seq` is in it.

    `interested` are all who subscribed; `listeners` those of them who have caught up and are live. `heard` counts the
    advances that were not followed at once.
    """

    __slots__ = ("floor", "following", "heard", "interested", "last_seq", "listeners", "org_id", "tail", "target")

    def __init__(self, org_id: UUID, last_seq: int) -> None:
        self.org_id = org_id
        self.last_seq = last_seq
        self.floor = last_seq
        self.target = last_seq
        self.tail: deque[Frame] = deque()
        self.interested: set[Listener] = set()
        self.listeners: set[Listener] = set()
        self.following = False
        self.heard = 0

    def deliver(self, records: list[Record]) -> None:
        """Add the next records to the tail and push them to every live listener, each serialised once."""
        for record in records:
            if record.seq <= self.last_seq:
                continue
            if record.type is RecordType.DELETION:  # what it took away is read from the log, which holds it back
                self.tail.clear()
                self.floor = self.last_seq
            frame = record_frame(record)
            self.last_seq = record.seq
            if record.type is RecordType.DELIVERY:  # its message may be deleted elsewhere: later readers ask the log
                self.tail.clear()
                self.floor = record.seq
            else:
                self.tail.append(frame)
            for listener in tuple(self.listeners):
                listener.push(frame)
        while len(self.tail) > TAIL:
            dropped = self.tail.popleft()
            self.floor = dropped.seq or self.floor
        self.target = max(self.target, self.last_seq)
