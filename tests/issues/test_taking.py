"""Issues become tasks: whatever order they are told in, however often; each field as it was changed last, and where."""

import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewhall.kernel.actor import system_actor
from crewhall.work.github.items import Item
from crewhall.work.github.vocabulary import ItemKind
from tests.github.test_mirror import stream
from tests.identity.hall import Org
from tests.issues.ground import Bound, bind
from tests.support.server import Server
from tests.work.ground import changed, done, put_on_probation


@pytest.fixture
async def bound(server: Server, org: Org) -> Bound:
    return await bind(server, org)


def issue(number: int = 1, *, at: int = 0, deleted: bool = False, **fields: Any) -> Item:
    """An issue as it was told at a second."""
    data = {"labels": [], "assignees": [], "state_reason": None, "closed_at": None, "milestone": None}
    own = {name: fields.pop(name) for name in list(fields) if name in data}
    base: dict[str, Any] = {"title": f"Issue {number}", "body": "Words", "state": "open", "author": "octocat"} | fields
    return Item(
        kind=ItemKind.ISSUE, key=str(1000 + number), number=number, moment=moment(at), is_deleted=deleted,
        data=data | own, **base,
    )  # fmt: skip


def pull(number: int = 50, *, at: int = 0, closes: tuple[int, ...] = (1,), state: str = "open", **data: Any) -> Item:
    """A pull request as it was told at a second."""
    merged = moment(at).isoformat() if state == "merged" else None
    held = {
        "labels": [], "assignees": [], "reviewers": [], "is_draft": False, "merged_at": merged, "created_at": None,
        "closes": [{"repository": "", "number": one} for one in closes],
    }  # fmt: skip
    return Item(
        kind=ItemKind.PULL_REQUEST, key=str(5000 + number), number=number, moment=moment(at), state=state,
        title=f"Pull {number}", author="hubot", sha="a" * 40, url=f"https://github.com/octo/hall/pull/{number}",
        step=int(state == "merged"), data=held | data,
    )  # fmt: skip


def moment(second: int) -> datetime:
    return datetime(2026, 11, 1, 12, 0, second, tzinfo=UTC)


@pytest.mark.rule("D8")
async def test_an_issue_is_a_task_from_then_on(bound: Bound):
    await bound.tell(issue(labels=["Bug", "Help wanted"], title="It\u202e leaks", body="**Much**\r\nof it"))
    task = await bound.task()
    assert (task["title"], task["labels"], task["status"]) == ("It leaks", ["bug", "help wanted"], "backlog")
    assert (task["github_issue_number"], task["created_by"]["name"]) == (1, "octocat (GitHub)")
    await bound.tell(issue(at=1, state="closed", title="It leaks still", closed_at=moment(1).isoformat()))
    now = await bound.task()
    assert (now["id"], now["title"], now["status"], now["labels"]) == (task["id"], "It leaks still", "completed", [])
    assert datetime.fromisoformat(now["completed_at"]) == moment(1)
    await bound.tell(issue(at=2, state="closed", state_reason="not_planned"))
    assert (await bound.task())["status"] == "cancelled"
    await bound.tell(issue(at=3))
    assert (await bound.task())["status"] == "backlog"
    assert await bound.send() == [], "what comes from there does not go back"
    await bound.tell(issue(at=4, deleted=True))
    assert await bound.tasks() == []
    assert [one["id"] for one in await bound.tasks(deleted=True)] == [task["id"]]


@pytest.mark.rule("D8")
@pytest.mark.rule("D3")
async def test_whose_it_is_follows_who_is_who_there(bound: Bound, server: Server, org: Org):
    agent, person = await server.hire(org), await org.add()
    done(await org.owner.api.patch(f"/agents/{agent.id}", json={"github_login": "Robo[bot]"}))
    done(await person.api.patch("/me", json={"github_login": "Ada-L"}))
    await bound.tell(issue(assignees=["nobody-here", "robo[bot]"]))
    task = await bound.task()
    assert (task["status"], task["assignee"]["id"]) == ("assigned", agent.id)
    await bound.tell(issue(at=1, assignees=["ada-l", "nobody-here"]))
    assert (await bound.task())["assignee"]["id"] == str(person.id)
    await bound.tell(issue(at=2, assignees=["nobody-here"]))
    assert (await bound.task())["status"] == "backlog"
    await put_on_probation(org, agent)
    await changed(org.owner, task, priority="P0")
    await bound.tell(issue(at=3, assignees=["robo[bot]"]))
    assert (await bound.task())["assignee"] is None
    refused = await org.owner.api.post("/agents", json={"name": "Other", "github_login": "ROBO[bot]"})
    assert (refused.status_code, refused.json()["field"]) == (409, "github_login")


@pytest.mark.rule("D8")
async def test_what_was_changed_here_stays_when_something_else_is_changed_there(bound: Bound, org: Org):
    await bound.tell(issue())
    task = await bound.task()
    await changed(org.owner, task, title="Ours", priority="P1")
    await bound.tell(issue(at=1, labels=["bug"]))  # told before our title went out
    now = await bound.task()
    assert (now["title"], now["labels"], now["priority"]) == ("Ours", ["bug"], "P1")


async def followed(bound: Bound, tellings: list[Item]) -> list[str]:
    """The tasks that follow issues of a fresh mirror after these: not when they were made, nor what was deleted."""
    system = system_actor(bound.org.id)
    async with bound.server.db.transaction(system) as tx:
        values = {"id": bound.repository}
        await tx.run("delete from github_items where repository_id = %(id)s", values)
        await tx.run("delete from github_links where repository_id = %(id)s", values)
        await tx.run(
            "update tasks set github_issue_id = null, github_issue_number = null, github_repository_id = null, "
            "github_told = null, deleted_at = now() where github_issue_id is not null"
        )
    await bound.tell(*tellings)
    async with bound.server.db.transaction(system) as tx:
        found: list[str] = await tx.values(
            """
            select (github_issue_id, github_issue_number, title, description, labels, status, assigned_agent_id,
                    assigned_user_id, blocked_reason, deleted_at is null, created_by_name, github_told)::text
            from tasks where github_repository_id = %(id)s and deleted_at is null order by github_issue_id
            """,
            {"id": bound.repository},
        )
    return found


@pytest.mark.rule("D8")
async def test_the_published_payloads_shuffled_and_repeated_end_in_the_same_tasks(bound: Bound):
    told = [item for items in stream() for item in items]
    for at, one in enumerate(told):
        if one.kind is ItemKind.ISSUE:  # the published ones tell of the same issue: here of three
            told[at] = msgspec.structs.replace(one, key=str(int(one.key) + at % 3), number=at % 3 + 1)
    first = await followed(bound, told)
    assert len(first) == 2, "and one was deleted"
    for seed in range(2):
        shuffled = told * 2
        random.Random(seed).shuffle(shuffled)
        assert await followed(bound, shuffled) == first


@st.composite
def tellings(draw: st.DrawFn) -> list[Item]:
    """Two issues and a pull request, few moments and few words: nearly everything meets something of its moment."""
    made: list[Item] = []
    for _ in range(draw(st.integers(2, 7))):
        at, number = draw(st.integers(0, 3)), draw(st.integers(1, 2))
        if draw(st.booleans()):
            closes = draw(st.sampled_from([(1,), (1, 2), ()]))
            made.append(pull(at=at, closes=closes, state=draw(st.sampled_from(["open", "closed", "merged"]))))
            continue
        state = draw(st.sampled_from(["open", "open", "closed"]))
        reason = draw(st.sampled_from([None, "not_planned"])) if state == "closed" else None
        made.append(issue(
            number, at=at, state=state, state_reason=reason, title=draw(st.sampled_from("ab")),
            assignees=draw(st.sampled_from([[], ["robo"], ["robo", "ada"]])), deleted=draw(st.integers(0, 9)) == 0,
            closed_at=moment(at).isoformat() if state == "closed" else None,
        ))  # fmt: skip
    return made


@pytest.mark.rule("D8")
@given(data=st.data(), made=tellings())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_told_in_whatever_order_ends_in_the_same_tasks(
    populated: Bound, data: st.DataObject, made: list[Item]
):
    first = await followed(populated, made)
    shuffled = data.draw(st.permutations(made + made[:3]))
    assert await followed(populated, shuffled) == first


@pytest.fixture(scope="module")
async def populated(server: Server) -> Bound:
    org = await server.make_org()
    agent, person = await server.hire(org), await org.add()
    done(await org.owner.api.patch(f"/agents/{agent.id}", json={"github_login": "robo"}))
    done(await person.api.patch("/me", json={"github_login": "ada"}))
    return await bind(server, org)
