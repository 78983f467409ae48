"""The same deliveries, shuffled and repeated, always end in the same mirror; what follows is told once."""

import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewhall.kernel import events
from crewhall.kernel.actor import system_actor
from crewhall.work.github import facts
from crewhall.work.github.closing import Closing
from crewhall.work.github.items import Item
from crewhall.work.github.mirror import mirror_items
from crewhall.work.github.payloads import READ_EVENTS
from crewhall.work.github.vocabulary import ItemKind
from tests.github.examples import examples, told_by
from tests.github.ground import Wired, wire
from tests.identity.hall import Org
from tests.support.server import Server

FACTS = [
    facts.IssueMirrored, facts.IssueCommented, facts.PullRequestOpened, facts.PullRequestMerged,
    facts.PullRequestClosed, facts.ReviewSubmitted, facts.ChecksCompleted, facts.DeploymentFinished, facts.Pushed,
]  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    heard: list[object] = []

    async def hear(_tx: object, _actor: object, fact: object) -> None:
        heard.append(fact)

    monkeypatch.setattr(events, "_handlers", events._handlers.copy())
    for fact in FACTS:
        monkeypatch.setitem(events._handlers, fact, [hear])
    return heard


def test_every_payload_that_github_publishes_is_read():
    read = {one.event: len(told_by(one)) for one in examples()}
    assert len(examples()) == 329
    assert len(read) > 50
    assert {event for event, count in read.items() if count} == READ_EVENTS


def stream() -> list[list[Item]]:
    """The published payloads of things, and more of the same things at other moments, as deletions, in one second."""
    found = [told_by(one) for one in examples() if one.event in READ_EVENTS]
    return [one for one in found if one]


async def rows(wired: Wired, repository: UUID) -> list[Any]:
    async with wired.server.db.transaction(system_actor(wired.org.id)) as tx:
        return await tx.values(
            """
            select (kind, key, number, sha, state, title, body, author, url, moment, rank, deleted_at, data)::text
            from github_items where repository_id = %(id)s order by kind, key
            """,
            {"id": repository},
        )


async def mirrored(wired: Wired, repository: UUID, deliveries: list[list[Item]]) -> list[Any]:
    """What a fresh mirror holds after these."""
    system = system_actor(wired.org.id)
    async with wired.server.db.transaction(system) as tx:
        await tx.run("delete from github_items where repository_id = %(id)s", {"id": repository})
        for one in deliveries:
            await mirror_items(tx, system, repository, one)
    return await rows(wired, repository)


@pytest.mark.rule("D8")
async def test_shuffled_and_repeated_the_published_payloads_end_in_one_mirror(server: Server, org: Org):
    wired = await wire(server, org)
    repository, deliveries = await wired.add(), stream()
    first = await mirrored(wired, repository, deliveries)
    assert len(first) >= 19
    assert len({row.split(",")[0] for row in first}) == len(ItemKind)
    for seed in range(3):
        shuffled = deliveries * 2
        random.Random(seed).shuffle(shuffled)
        assert await mirrored(wired, repository, shuffled) == first


KINDS = st.sampled_from([ItemKind.ISSUE, ItemKind.COMMENT, ItemKind.LABEL])
MOMENTS = st.integers(0, 2).map(lambda second: datetime(2026, 11, 1, second=second, tzinfo=UTC))


@st.composite
def tellings(draw: st.DrawFn) -> list[Item]:
    """Few things, few moments, few words: nearly everything meets something of the same moment."""
    return [
        Item(
            kind=draw(KINDS), key=draw(st.sampled_from("12")), number=1, title=draw(st.sampled_from("abc")),
            moment=draw(MOMENTS), is_deleted=draw(st.booleans()),
            step=draw(st.integers(0, 1)), data={"labels": [], "assignees": []},
        )
        for _ in range(draw(st.integers(2, 8)))
    ]  # fmt: skip


@pytest.mark.rule("D8")
@given(data=st.data(), made=tellings())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_told_in_whatever_order_ends_in_one_mirror(
    server: Server, wired: tuple[Wired, UUID], data: st.DataObject, made: list[Item]
):
    deliveries = [[one] for one in made]
    first = await mirrored(*wired, deliveries)
    shuffled = data.draw(st.permutations(deliveries + deliveries[:3]))
    assert await mirrored(*wired, shuffled) == first


@pytest.fixture(scope="module")
async def wired(server: Server) -> tuple[Wired, UUID]:
    found = await wire(server, await server.make_org())
    return found, await found.add()


def pull(**fields: Any) -> Item:
    found = next(item for one in stream() for item in one if item.kind is ItemKind.PULL_REQUEST)
    return msgspec.structs.replace(found, number=4, state="open", **fields)


@pytest.mark.rule("D8")
async def test_a_merge_is_told_once_with_the_issues_that_it_closes(server: Server, org: Org, told: list[object]):
    wired = await wire(server, org)
    repository, system = await wired.add(), system_actor(org.id)
    opened = pull()
    closes = [{"repository": "", "number": 12}]
    merged = msgspec.structs.replace(opened, state="merged", step=1, data=opened.data | {"closes": closes})
    reopened = msgspec.structs.replace(opened, title="Older words, that came late")
    for one in (opened, merged, opened, reopened, merged):
        async with server.db.transaction(system) as tx:
            await mirror_items(tx, system, repository, [one])
    at = facts.Place(repository, None, opened.key)
    assert told == [
        facts.PullRequestOpened(at=at, number=4, author=opened.author),
        facts.PullRequestMerged(at=at, number=4, author=opened.author, closes=[Closing("", 12)]),
    ]


async def test_each_kind_of_thing_tells_what_became_of_it(server: Server, org: Org, told: list[object]):
    wired = await wire(server, org)
    await mirrored(wired, await wired.add(), stream() * 2)
    assert {type(one) for one in told} >= {
        facts.IssueMirrored, facts.IssueCommented, facts.PullRequestOpened, facts.PullRequestClosed,
        facts.ReviewSubmitted, facts.ChecksCompleted, facts.DeploymentFinished, facts.Pushed,
    }  # fmt: skip
    once = [one for one in told if not isinstance(one, facts.IssueMirrored)]
    assert len(once) == len({msgspec.json.encode((type(one).__name__, one)) for one in once})


async def test_what_a_fact_cannot_follow_undoes_the_mirror_too(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    wired = await wire(server, org)
    repository, system = await wired.add(), system_actor(org.id)

    async def refuse(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setitem(events._handlers, facts.PullRequestOpened, [refuse])
    with pytest.raises(RuntimeError):
        async with server.db.transaction(system) as tx:
            await mirror_items(tx, system, repository, [pull()])
    assert await rows(wired, repository) == []


async def test_two_tellings_of_one_moment_have_the_repository_read(server: Server, org: Org):
    wired = await wire(server, org)
    repository, system = await wired.add(), system_actor(org.id)

    async def due_in() -> float:
        async with server.db.transaction(system) as tx:
            return float(await tx.value(
                "select extract(epoch from look_at - now()) from github_repositories where id = %(id)s",
                {"id": repository},
            ))  # fmt: skip

    async with server.db.transaction(system) as tx:
        await tx.run("update github_repositories set look_at = now() + interval '1 day'")
        await mirror_items(tx, system, repository, [pull()])
    assert await due_in() > 3600
    async with server.db.transaction(system) as tx:
        await mirror_items(tx, system, repository, [pull(title="The same second")])
    assert 0 < await due_in() <= 11
