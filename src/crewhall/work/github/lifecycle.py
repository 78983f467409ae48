"""The parts of GitHub's in one process."""

from typing import LiteralString

from msgspec import Struct
from pydantic import SecretStr

from crewhall.kernel.db import Database
from crewhall.kernel.signals import Signals
from crewhall.ports.github import Github
from crewhall.work.github import deliveries, outgoing, syncs
from crewhall.work.github.changing import Changing
from crewhall.work.github.deliveries import Claimed
from crewhall.work.github.door import DELIVERIES, GithubDoor
from crewhall.work.github.forgetting import Forgetting
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.mirror import CHANNEL
from crewhall.work.github.outgoing import CHANGES, Asked
from crewhall.work.github.settings import GithubSettings
from crewhall.work.github.sync import Syncing
from crewhall.work.github.syncs import Sync
from crewhall.work.github.worker import DueQueue

_DELIVERIES: LiteralString = "select * from next_github_deliveries(%(after)s)"
_REPOSITORIES: LiteralString = "select * from next_github_repositories(%(after)s)"
_CHANGES: LiteralString = "select * from next_github_changes(%(after)s)"
DELIVERIES_AT_ONCE, CHANGES_AT_ONCE = 4, 2


class GithubParts(Struct, frozen=True):
    """What a process has of it."""

    door: GithubDoor
    keeping: Keeping
    github: Github
    syncing: Syncing
    changing: Changing
    deliveries: DueQueue[Claimed]
    repositories: DueQueue[Sync]
    changes: DueQueue[Asked]
    forgetting: Forgetting

    def start(self) -> None:
        """Go on with what was begun; the database and the signals must be up."""
        for one in (self.deliveries, self.repositories, self.changes, self.forgetting):
            one.start()

    async def close(self) -> None:
        """Stop; what was begun goes on elsewhere, or later."""
        for one in (self.forgetting, self.changes, self.repositories, self.deliveries):
            await one.stop()
        await self.github.close()


def start_github(
    *, db: Database, signals: Signals, github: Github, settings: GithubSettings, secrets_key: SecretStr | None
) -> GithubParts:
    """Make the parts of a process."""
    keeping = Keeping(secrets_key)
    syncing = Syncing(db, github, keeping, settings.github_sync_minutes)
    forgetting = Forgetting(db, settings.github_payload_days)
    changing = Changing(db, github, keeping)
    is_ours = settings.github_syncs_at_once > 0

    async def do_delivery(claimed: Claimed) -> None:
        try:
            await deliveries.do_delivery(db, claimed)
            forgetting.wake()
        except deliveries.NotOurs:
            return
        except Exception:
            await deliveries.put_off(db, claimed)
            raise

    async def read(claimed: Sync) -> None:
        try:
            await syncing.read(claimed)
        except syncs.NotOurs:
            return

    done = DueQueue(
        "github deliveries", db, _DELIVERIES, deliveries.claim_delivery, do_delivery,
        DELIVERIES_AT_ONCE if is_ours else 0,
    )  # fmt: skip
    read_on = DueQueue("github repositories", db, _REPOSITORIES, syncs.claim_sync, read, settings.github_syncs_at_once)
    made = DueQueue(
        "github changes", db, _CHANGES, outgoing.claim_change, changing.make, CHANGES_AT_ONCE if is_ours else 0
    )
    for queue, channel in ((done, DELIVERIES), (read_on, CHANNEL), (made, CHANGES)):
        queue.follow(signals, channel)
    door = GithubDoor(db, signals, keeping, settings.github_payload_kb * 1024)
    return GithubParts(door, keeping, github, syncing, changing, done, read_on, made, forgetting)
