"""What agents, and whoever comes through MCP, can do with a task at GitHub: its issue, pull requests, checks."""

from typing import Annotated

from msgspec import Meta, Struct

from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.work import task_queries
from crewhall.work.issues import pulls, seen
from crewhall.work.issues.schemas import PullRequestUrl, TaskOnGithub
from crewhall.work.tools_tasks import TaskName


class TaskAtGithub(Struct, forbid_unknown_fields=True):
    """See what a task is at GitHub: its issue, its pull requests with review and checks, what went out of it or waits.

    `checks` of a pull request: `passing`, `running` or `failing`. What GitHub refused stands in `changes`, with why.
    """

    task: TaskName


class MakeIssue(Struct, forbid_unknown_fields=True):
    """Have an issue made of a task, in the repository of its project; from then on they follow each other."""

    task: TaskName


class LinkPullRequest(Struct, forbid_unknown_fields=True):
    """Say that a pull request is for a task: it stands on the task then, and its merge completes the task.

    One whose words say that it closes the task's issue is linked by itself.
    """

    task: TaskName
    pull_request: Annotated[PullRequestUrl, Meta(description="Its address, or `owner/name#12`.")]


async def task_at_github(caller: Caller, asked: TaskAtGithub) -> TaskOnGithub:
    """What the task is there."""
    async with caller.db.transaction(caller.actor) as tx:
        task = await task_queries.find_task(tx, caller.actor, asked.task)
        return await seen.task_on_github(tx, caller.actor, task.id)


async def make_issue(caller: Caller, asked: MakeIssue) -> TaskOnGithub:
    """What the task is there; the issue is made in a moment."""
    async with caller.db.transaction(caller.actor) as tx:
        task = await task_queries.find_task(tx, caller.actor, asked.task)
        return await seen.make_issue(tx, caller.actor, task.id)


async def link_pull_request(caller: Caller, asked: LinkPullRequest) -> TaskOnGithub:
    """What the task is there, with the pull request."""
    async with caller.db.transaction(caller.actor) as tx:
        task = await task_queries.find_task(tx, caller.actor, asked.task)
        await pulls.link_pull_request(tx, caller.actor, task.id, *seen.read_url(asked.pull_request))
        return await seen.task_on_github(tx, caller.actor, task.id)


TOOLS: list[Tool] = [
    Tool(
        "task_at_github", described(TaskAtGithub), TaskAtGithub, task_at_github, is_repeatable=True, gives=TaskOnGithub,
        title="See a task at GitHub", risk=Risk.READ,
    ),
    Tool(
        "make_issue", described(MakeIssue), MakeIssue, make_issue, is_repeatable=False, gives=TaskOnGithub,
        title="Make an issue of a task", risk=Risk.OUTSIDE,
        effect=lambda asked: f"Makes an issue at GitHub of the task {asked.task}.",
    ),
    Tool(
        "link_pull_request", described(LinkPullRequest), LinkPullRequest, link_pull_request, is_repeatable=True,
        is_idempotent=True, gives=TaskOnGithub, title="Link a pull request to a task",
        effect=lambda asked: f"Links the pull request {asked.pull_request} to the task {asked.task}.",
    ),
]  # fmt: skip
