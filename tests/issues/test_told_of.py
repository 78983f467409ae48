"""GitHub and tasks on the timeline, once each; organizations take turns; an app acts before anything was read."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from crewhall.faces.sdk import Client
from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.ports.github import Access
from crewhall.work.github.installing import access_in
from crewhall.work.github.items import Item
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.vocabulary import ItemKind
from tests.github.ground import wire
from tests.github.hub import Hub, HubGithub
from tests.identity.hall import Org
from tests.issues.ground import bind
from tests.issues.test_taking import issue, pull
from tests.support.server import Server, token_of
from tests.work.ground import changed, done, listed


@pytest.mark.rule("D5")
async def test_what_happens_to_tasks_and_pull_requests_is_told_once(server: Server, org: Org):
    bound, robot, now = await bind(server, org), await server.hire(org), utc_now()
    done(await org.owner.api.patch(f"/agents/{robot.id}", json={"github_login": "robo"}))
    at = now.isoformat()
    fresh = {"moment": now, "author": "robo"}
    opened = msgspec.structs.replace(pull(), data=pull(reviewers=["robo"], created_at=at).data, **fresh)
    merged = msgspec.structs.replace(
        opened, state="merged", step=1, data=opened.data | {"merged_at": at}, moment=now + timedelta(seconds=1)
    )
    old = pull(51, closes=())
    approved = Item(kind=ItemKind.REVIEW, key="3", number=50, state="approved", author="ada", moment=now, body="Good")
    told = [issue(assignees=["robo"]), old, opened, approved, merged]
    await bound.tell(*told, *told)
    async with server.db.transaction(system_actor(org.id)) as tx:  # mirrored anew
        await tx.run("delete from github_items where kind in ('pull_request', 'review')")
    await bound.tell(merged, approved, opened)
    events = await listed(org.owner, "/timeline", project=bound.project["id"], limit=50)
    types = [one["type"] for one in events]
    assert sorted(types) == [
        "github_issue_assigned", "github_pr_merged", "github_pr_opened", "review_requested", "review_response",
        "task_assigned", "task_completed",
    ]  # fmt: skip
    by_type: dict[str, Any] = {one["type"]: one for one in events}
    assert by_type["github_pr_merged"]["author"]["id"] == robot.id
    assert by_type["review_response"]["summary"] == "ada approved: Pull 50"
    assert by_type["review_requested"]["mentions"][0]["id"] == robot.id
    assert by_type["task_assigned"]["agent"]["id"] == robot.id
    assert by_type["task_completed"]["author"] is None
    task = await bound.task()
    await changed(org.owner, task, status="assigned")
    await changed(org.owner, task, status="blocked", blocked_reason="No key")
    (blocked,) = await listed(org.owner, "/timeline", type="task_blocked")
    assert (blocked["text"], blocked["author"]["id"]) == ("No key", str(org.owner.id))


async def test_organizations_take_turns(server: Server, org: Org, other_org: Org):
    many, few = await wire(server, org), await wire(server, other_org)
    for _ in range(5):
        assert (await many.deliver("ping", b"{}")).status_code == 202
    assert (await few.deliver("ping", b"{}")).status_code == 202
    last, served = UUID(int=0), list[UUID]()
    while {org.id, other_org.id} - set(served):  # those of other tests have their turns, too
        async with server.db.transaction(None) as tx:
            found: Any = await tx.one(_Next, "select * from next_github_deliveries(%(after)s)", {"after": last})
        last = found.org_id
        served.append(last)
        assert len(served) == len(set(served)), "nobody is served again before everybody was"
    for one in (many, few):
        await one.do_all()


class _Next(msgspec.Struct):
    org_id: UUID
    id: UUID
    due_in: float


class _Place(msgspec.Struct):
    org_id: UUID
    repository_id: UUID
    full_name: str
    connection_id: UUID
    installation_id: int | None = None


class _Installed(HubGithub):
    async def ask(self, access: Access, method: str, path: str, **_: Any) -> Any:
        assert (method, path) == ("GET", "/repos/octo/hall/installation")
        return msgspec.convert({"status": 200, "body": {"id": 77}}, _Answer)


class _Answer(msgspec.Struct):
    status: int
    body: Any


async def test_an_app_finds_its_installation_before_anything_was_read(server: Server, org: Org):
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "x" * 100 + "\n-----END RSA PRIVATE KEY-----\n"
    wired = await wire(server, org, token=None, app_id=12, private_key=key)
    repository = await wired.add()
    place = _Place(org.id, repository, "octo/hall", UUID(wired.id))
    found = await access_in(server.db, _Installed(Hub()), Keeping(None), place)
    assert (found.app_id, found.installation_id) == (12, 77)
    shown = done(await org.owner.api.get(f"/github/repositories/{repository}")).json()
    assert shown["installation_id"] == 77


async def test_the_client_library_links_and_shows(server: Server, org: Org):
    bound = await bind(server, org, sends_comments=False)
    await bound.tell(issue(), pull())
    task = await bound.task()
    async with Client(server.address, token=token_of(org.owner.api)) as client:
        shown = await client.tasks.at_github(task["id"])
        assert shown.issue is not None
        assert (shown.issue.number, shown.pull_requests[0].number) == (1, 50)
        unlinked = await client.github.unlink(str(bound.repository))
        assert unlinked.project_id is None
        linked = await client.github.link(str(bound.repository), bound.project["id"])
        assert linked.is_filling
        await bound.fill()
        filled = await client.github.filled(linked.id)
        assert (filled.tasks_done, filled.is_filling) == (1, False)
