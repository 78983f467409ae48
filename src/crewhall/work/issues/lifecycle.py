"""The parts of one process that keep tasks and issues together."""

from typing import LiteralString

from msgspec import Struct

from crewhall.conversations import Overlays, Posting
from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.work.github.worker import DueQueue
from crewhall.work.issues.following import follow
from crewhall.work.issues.linking import BACKFILLS, Backfill, claim_backfill, fill_back
from crewhall.work.issues.said import COMMENTS, Said, Saying, claim_comment

_BACKFILLS: LiteralString = "select * from next_github_backfills(%(after)s)"
_COMMENTS: LiteralString = "select * from next_github_comments(%(after)s)"
AT_ONCE = 2


class IssueParts(Struct, frozen=True):
    """What a process has of it."""

    backfills: DueQueue[Backfill]
    comments: DueQueue[Said]

    def start(self) -> None:
        """Go on with what was begun; the database and the signals must be up."""
        self.backfills.start()
        self.comments.start()

    async def close(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        await self.comments.stop()
        await self.backfills.stop()


def start_issues(*, db: Database, signals: Signals, posting: Posting, overlays: Overlays, is_ours: bool) -> IssueParts:
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
    return IssueParts(backfills, comments)
