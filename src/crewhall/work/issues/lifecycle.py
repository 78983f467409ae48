"""The parts of one process that keep tasks and issues together."""

from typing import LiteralString

from msgspec import Struct

from crewhall.conversations import Consumer, Overlays, Posting
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.message_log import MessageLog
from crewhall.work.github.worker import DueQueue
from crewhall.work.issues.following import follow
from crewhall.work.issues.linking import BACKFILLS, Backfill, claim_backfill, fill_back
from crewhall.work.issues.said import COMMENTS, Said, Saying, claim_comment
from crewhall.work.issues.sent import CommentSender

_BACKFILLS: LiteralString = "select * from next_github_backfills(%(after)s)"
_COMMENTS: LiteralString = "select * from next_github_comments(%(after)s)"
AT_ONCE = 2
GATHER_S = 0.25
"""How far apart steps of the log's consumer are under load."""


class IssueParts(Struct, frozen=True):
    """What a process has of it."""

    backfills: DueQueue[Backfill]
    comments: DueQueue[Said]
    sent: Consumer | None

    def start(self) -> None:
        """Go on with what was begun; the database and the signals must be up."""
        self.backfills.start()
        self.comments.start()
        if self.sent is not None:
            self.sent.start()

    async def close(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        if self.sent is not None:
            await self.sent.stop()
        await self.comments.stop()
        await self.backfills.stop()


def start_issues(
    *, db: Database, log: MessageLog, signals: Signals, posting: Posting, overlays: Overlays, is_ours: bool
) -> IssueParts:
    """Make the parts of a process. `is_ours`: whether GitHub's work is done here, or left to others."""
    follow()
    saying = Saying(db, posting, overlays)

    async def fill(claimed: Backfill) -> None:
        await fill_back(db, claimed)

    at_once = AT_ONCE if is_ours else 0
    backfills = DueQueue("github backfills", db, _BACKFILLS, claim_backfill, fill, at_once)
    comments = DueQueue("github comments", db, _COMMENTS, claim_comment, saying.show, at_once)
    backfills.follow(signals, BACKFILLS)
    comments.follow(signals, COMMENTS)
    sent = Consumer("task_comments", db, log.watch, CommentSender(db).step, gather_s=GATHER_S) if is_ours else None
    return IssueParts(backfills, comments, sent)
