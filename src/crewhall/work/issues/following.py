"""What tasks do when something happens at GitHub, or here: the handlers, in the transaction in which it happened."""

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.events import subscribe
from crewhall.work.facts import TaskChanged, TaskCreated
from crewhall.work.github.facts import (
    ChangeEnded,
    CommentChanged,
    IssueCommented,
    IssueMirrored,
    PullRequestMerged,
    PullRequestMirrored,
)
from crewhall.work.issues.pulls import on_merged, on_pull_request
from crewhall.work.issues.rows import find_linked
from crewhall.work.issues.said import on_comment
from crewhall.work.issues.sending import on_change_ended, on_task_changed, on_task_created
from crewhall.work.issues.taking import follow_issue


def follow() -> None:
    """Subscribe, once for the process."""
    subscribe(IssueMirrored, _on_issue)
    subscribe(PullRequestMirrored, on_pull_request)
    subscribe(PullRequestMerged, on_merged)
    subscribe(IssueCommented, on_comment)
    subscribe(CommentChanged, on_comment)
    subscribe(ChangeEnded, on_change_ended)
    subscribe(TaskCreated, on_task_created)
    subscribe(TaskChanged, on_task_changed)


async def _on_issue(tx: Tx, _actor: Actor, fact: IssueMirrored) -> None:
    if fact.at.project_id is None:
        return
    linked = await find_linked(tx, repository_id=fact.at.repository_id)
    if linked is not None:
        await follow_issue(tx, linked, key=fact.at.key)
