"""What goes out to GitHub: done once, in order, field by field; what was changed there later stays."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.actor import system_actor
from crewhall.work.github.changing import Changing
from crewhall.work.github.keeping import Keeping
from crewhall.work.github.outgoing import claim_change, take_turn, wake_next
from crewhall.work.github.settling import WRITES, settle
from crewhall.work.github.vocabulary import FieldOutcome
from tests.github.ground import Wired, wire
from tests.github.hub import Hub, HubGithub
from tests.github.test_sync import read
from tests.identity.hall import Org
from tests.support.server import Server

END = "update github_changes set state = 'done', look_at = null where id = %(id)s"


@pytest.fixture
async def wired(server: Server, org: Org) -> Wired:
    return await wire(server, org)


@pytest.fixture
def hub() -> Hub:
    made = Hub()
    made.add_issue(body="As it was")
    return made


async def ask(wired: Wired, repository: UUID, **body: Any) -> str:
    made = await wired.org.owner.api.post(f"/github/repositories/{repository}/changes", json=body)
    assert made.status_code == 202, made.text
    return str(made.json()["id"])


async def make(wired: Wired, repository: UUID, hub: Hub, change: str) -> dict[str, Any]:
    """Make a change now; gives what became of it."""
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        await tx.run("update github_changes set look_at = now() where id = %(id)s and look_at > now()", {"id": change})
    claimed = await claim_change(wired.server.db, wired.org.id, UUID(change))
    if claimed is not None:
        await Changing(wired.server.db, HubGithub(hub), Keeping(None)).make(claimed)
    listed = (await wired.org.owner.api.get(f"/github/repositories/{repository}/changes")).json()["items"]
    return next(one for one in listed if one["id"] == change)


@pytest.mark.rule("D8")
async def test_an_issue_is_changed_there_and_here(wired: Wired, hub: Hub):
    repository = await wired.add()
    await read(wired, repository, hub)
    issue = {"state": "closed", "labels": ["bug", "alpha"], "assignees": ["octocat"], "body": "As it was"}
    change = await ask(wired, repository, number=1, issue=issue)
    done = await make(wired, repository, hub, change)
    assert (done["state"], done["reason"]) == ("done", None)
    written = dict.fromkeys(("state", "labels", "assignees"), "written")
    assert done["outcome"] == written | {"body": "same"}
    assert hub.issues[1]["state"] == "closed"
    (shown,) = (await wired.org.owner.api.get(f"/github/repositories/{repository}/items")).json()["items"]
    assert (shown["state"], shown["data"]["labels"]) == ("closed", ["alpha", "bug"])


@pytest.mark.rule("D8")
async def test_conflicts_are_settled_field_by_field_by_time(wired: Wired, hub: Hub):
    repository = await wired.add()
    await read(wired, repository, hub)
    change = await ask(wired, repository, number=1, issue={"title": "Ours", "labels": ["ours"], "state": "closed"})
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        asked_at = await tx.value("select created_at from github_changes where id = %(id)s", {"id": change})
    hub.now = asked_at - timedelta(minutes=5)
    hub.change(1, labels=["theirs, earlier"])
    hub.now = asked_at + timedelta(minutes=5)
    hub.change(1, title="Theirs, later")
    done = await make(wired, repository, hub, change)
    assert done["outcome"] == {"title": "lost", "labels": "won", "state": "written"}
    there = hub.issues[1]
    assert (there["title"], there["state"]) == ("Theirs, later", "closed")
    assert [one["name"] for one in there["labels"]] == ["ours"]


@pytest.mark.rule("X1")
@pytest.mark.parametrize("body", [{"number": 1, "comment": "Done here."}, {"issue": {"title": "New", "body": "Words"}}])
async def test_what_was_made_is_found_again_when_its_answer_was_lost(wired: Wired, hub: Hub, body: dict[str, Any]):
    repository = await wired.add()
    change = await ask(wired, repository, **body)
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        hub.now = await tx.value("select created_at from github_changes where id = %(id)s", {"id": change})
    hub.lost = 1
    waiting = await make(wired, repository, hub, change)
    assert (waiting["state"], waiting["retries"]) == ("waiting", 1)
    done = await make(wired, repository, hub, change)
    assert done["state"] == "done"
    assert (len(hub.comments), len(hub.issues)) == ((1, 1) if "comment" in body else (0, 2))
    assert done["number"] == (1 if "comment" in body else 2)


async def test_changes_of_an_issue_are_made_in_order_and_what_is_refused_ends(wired: Wired, hub: Hub):
    repository = await wired.add()
    first = await ask(wired, repository, number=1, issue={"title": "First"})
    second = await ask(wired, repository, number=1, issue={"title": "Second"})
    assert (await make(wired, repository, hub, second))["state"] == "waiting"
    due = "select look_at <= clock_timestamp() from github_changes where id = %(id)s"
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        assert await tx.value(due, {"id": second}) is False
    hub.failures = [(422, {})]
    refused = await make(wired, repository, hub, first)
    assert (refused["state"], refused["reason"]) == ("failed", "GitHub answered 422: of the test.")
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        assert await tx.value(due, {"id": second}), "the end of one wakes the next"
    assert (await make(wired, repository, hub, second))["state"] == "done"
    assert hub.issues[1]["title"] == "Second"


@pytest.mark.rule("D8")
async def test_the_end_of_a_change_wakes_what_waits_behind_it_and_nothing_that_is_under_way(wired: Wired, hub: Hub):
    repository = await wired.add()
    await read(wired, repository, hub)
    at_work = await ask(wired, repository, number=1, comment="At work")
    ends = await ask(wired, repository, number=1, comment="Ends")
    behind = await ask(wired, repository, number=1, comment="Behind")
    due = "select look_at <= clock_timestamp() from github_changes where id = %(id)s"

    async def is_due(change: str) -> bool:
        async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
            return bool(await tx.value(due, {"id": change}))

    first = await claim_change(wired.server.db, wired.org.id, UUID(at_work))
    assert first is not None
    for one in (ends, behind):
        assert await claim_change(wired.server.db, wired.org.id, UUID(one)) is None
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        await take_turn(tx, UUID(ends))
        await tx.run(END, {"id": ends})
        await wake_next(tx, UUID(ends))
    assert not await is_due(at_work), "its maker may be saying it at this moment"
    await Changing(wired.server.db, HubGithub(hub), Keeping(None)).make(first)
    assert await is_due(behind)


async def test_who_is_claimed_while_the_change_before_ends_does_not_stay_behind(wired: Wired, hub: Hub):
    repository = await wired.add()
    await read(wired, repository, hub)
    ends, behind = [UUID(await ask(wired, repository, number=1, comment=words)) for words in ("Ends", "Behind")]
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        await take_turn(tx, ends)
        await tx.run(END, {"id": ends})
        await wake_next(tx, ends)  # the other is no longer behind, but nobody else can see that yet
        assert await claim_change(wired.server.db, wired.org.id, behind) is None, "and nobody waits for it"
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        soon = "select reason is null and look_at < now() + interval '2 s' from github_changes where id = %(id)s"
        assert await tx.value(soon, {"id": behind})
        await tx.run("update github_changes set look_at = now() where id = %(id)s", {"id": behind})
    claimed = await claim_change(wired.server.db, wired.org.id, behind)
    assert claimed is not None
    assert claimed.id == behind


@pytest.mark.parametrize(
    "body",
    [{}, {"comment": "To nobody"}, {"issue": {}}, {"number": 1, "issue": {}}, {"issue": {"body": "No title"}},
     {"number": 1, "comment": "Both", "issue": {"title": "x"}}, {"number": 1, "issue": {"state": "merged"}}],
)  # fmt: skip
async def test_what_says_nothing_is_refused(wired: Wired, body: dict[str, Any]):
    repository = await wired.add()
    refused = await wired.org.owner.api.post(f"/github/repositories/{repository}/changes", json=body)
    assert refused.status_code in {400, 422}
    member = await wired.org.add()
    good = {"number": 1, "comment": "Hello"}
    assert (await member.api.post(f"/github/repositories/{repository}/changes", json=good)).status_code == 403


WORDS = st.sampled_from("abc")


@given(stands=WORDS, wanted=WORDS, base=WORDS, is_theirs=st.booleans())
def test_a_field_is_written_unless_it_stands_so_or_was_changed_there_later(
    *, stands: str, wanted: str, base: str, is_theirs: bool
):
    outcome = settle(stands, wanted, base, is_theirs=is_theirs)
    assert (outcome is FieldOutcome.SAME) == (stands == wanted)
    assert (outcome is FieldOutcome.LOST) == (stands not in {wanted, base} and is_theirs)
    assert (outcome in WRITES) == (stands != wanted and (stands == base or not is_theirs))
