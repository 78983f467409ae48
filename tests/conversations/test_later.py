"""Later messages: posted once at their moment, by the writer's rights as they are then."""

import asyncio
from datetime import timedelta

import pytest

from crewhall.conversations import Posting, later
from crewhall.conversations.later_clock import LATE, LEFT, LaterClock, post_later
from crewhall.identity import people
from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import UNAVAILABLE
from tests.conversations.ways import group, post
from tests.support.waiting import until


async def make(someone, place, content="Later!", *, ahead=timedelta(hours=1), **fields):
    body = {"conversation_id": place, "content": content, "due_at": (utc_now() + ahead).isoformat(), **fields}
    return await someone.api.post("/later", json=body)


async def kept(someone):
    return (await someone.api.get("/later")).raise_for_status().json()["items"]


async def said(someone, place, **query):
    page = (await someone.api.get(f"/conversations/{place}/messages", params=query)).raise_for_status().json()
    return [(message["content"], message["author"]["id"]) for message in page["items"]]


async def let_pass(server, org, made, **ago):
    """Let its moment be so long ago, without telling the clock."""
    async with server.db.transaction(system_actor(org.id)) as tx:
        await tx.run(
            "update later_messages set due_at = now() - %(ago)s, look_at = now() - %(ago)s where id = %(id)s",
            {"ago": timedelta(**ago), "id": made["id"]},
        )


async def fire(server, org, someone, made):
    """Look at it, as the clock of some process does."""
    posting = server.services.part(Posting)
    return await post_later(server.db, posting, org.id, someone.id, made["id"])


async def test_its_moment_comes(server, org):
    """Through the running process: its clock is told of it, and waits for nothing else."""
    circle = await group(org.owner)
    root = await post(org.owner, circle, "root")
    made = (await make(org.owner, circle, "Soon", ahead=timedelta(seconds=1), parent_id=root["id"])).json()
    assert (made["status"], made["conversation"]["title"]) == ("waiting", "Circle")

    async def is_there():
        return await said(org.owner, circle, parent=root["id"])

    assert await until(is_there) == [("Soon", str(org.owner.id))]
    assert await until(lambda: gone(org.owner, made))


async def gone(someone, made):
    return (await someone.api.get(f"/later/{made['id']}")).status_code == 404


@pytest.mark.rule("X1")
async def test_it_is_posted_once_whoever_is_first_and_whatever_is_killed(server, org, monkeypatch):
    circle = await group(org.owner)
    made = (await make(org.owner, circle)).json()
    assert await fire(server, org, org.owner, made) is None  # not due yet
    await let_pass(server, org, made, seconds=1)
    posted = await asyncio.gather(*(fire(server, org, org.owner, made) for _ in range(4)))
    assert len(list(filter(None, posted))) == 1
    second = (await make(org.owner, circle, "again")).json()
    await let_pass(server, org, second, seconds=1)

    async def killed(*_args, **_kwargs):
        raise UNAVAILABLE("The process is gone.")

    posting = server.services.part(Posting)
    answered = posting.post

    async def posted_and_killed(*args, **kwargs):
        await answered(*args, **kwargs)
        await killed()

    for dying in (killed, posted_and_killed):
        with monkeypatch.context() as patch, pytest.raises(type(UNAVAILABLE(""))):
            patch.setattr(posting, "post", dying)
            await fire(server, org, org.owner, second)
        assert (await fire(server, org, org.owner, second)) is None  # somebody has it
        changed = await org.owner.api.patch(f"/later/{second['id']}", json={"content": "other"})
        assert changed.json()["code"] == "conflict"  # nothing of it changes any more
        await let_pass(server, org, second, seconds=1)
    assert (await fire(server, org, org.owner, second)).is_new is False
    assert [content for content, _ in await said(org.owner, circle)] == ["Later!", "again"]
    assert await kept(org.owner) == []


@pytest.mark.rule("X11")
async def test_it_has_the_rights_of_its_writer_then_and_says_why_it_was_refused(server, org):
    ada, other, agent = await org.add(), await org.add(), await server.hire(org)
    circle = await group(org.owner, ada, agent)
    for wrong in (other, agent):
        assert (await make(wrong, circle)).status_code in {403, 404}
    made, gone_by, late = [(await make(ada, circle, word)).json() for word in ("one", "two", "three")]
    assert await kept(org.owner) == []
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/send")):
        body = {} if method == "PATCH" else None
        answer = await org.owner.api.request(method, f"/later/{made['id']}{rest}", json=body)
        assert answer.status_code == 404, method
    await let_pass(server, org, late, days=1, seconds=1)
    assert await fire(server, org, ada, late) is None
    assert (await kept(ada))[0]["refusal"] == LATE
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{ada.id}")).raise_for_status()
    await let_pass(server, org, made, seconds=1)
    assert await fire(server, org, ada, made) is None
    refused = next(one for one in await kept(ada) if one["id"] == made["id"])
    assert (refused["status"], refused["refusal"], refused["conversation"]) == (
        "refused", "There is no such conversation, or it is not shared with you.", None,
    )  # fmt: skip
    assert (await ada.api.post(f"/later/{made['id']}/send")).status_code == 404
    invited = {"member_type": "user", "member_id": str(ada.id)}
    (await org.owner.api.post(f"/conversations/{circle}/members", json=invited)).raise_for_status()
    assert (await ada.api.post(f"/later/{made['id']}/send")).json()["content"] == "one"
    async with server.db.transaction(org.owner.actor) as tx:
        await people.remove_member(tx, org.owner.actor, ada.id)
    await let_pass(server, org, gone_by, seconds=1)
    assert await fire(server, org, ada, gone_by) is None
    async with server.db.transaction(system_actor(org.id)) as tx:
        assert await tx.value("select refusal from later_messages where id = %(id)s", gone_by) == LEFT
    assert await said(org.owner, circle) == [("one", str(ada.id))]


async def test_it_is_changed_thrown_away_and_bounded(org, monkeypatch):
    circle = await group(org.owner)
    made = (await make(org.owner, circle, timezone="Europe/Berlin", title="T")).json()
    path = f"/later/{made['id']}"
    changed = (await org.owner.api.patch(path, json={"content": "Better", "title": None})).json()
    assert (changed["content"], changed["title"], changed["due_at"]) == ("Better", None, made["due_at"])
    for wrong in ({"due_at": "2020-01-01T00:00:00Z"}, {"due_at": "2090-01-01T00:00:00Z"}, {"timezone": "Nowhere"}):
        assert (await org.owner.api.patch(path, json=wrong)).status_code == 422, wrong
    assert (await make(org.owner, circle, ahead=timedelta(hours=-1))).status_code == 422
    monkeypatch.setattr(later, "MOST", 1)
    assert (await make(org.owner, circle)).json()["code"] == "conflict"
    assert (await org.owner.api.delete(path)).status_code == 204
    assert (await org.owner.api.delete(path)).status_code == 404
    assert await kept(org.owner) == []


async def test_the_clock_sleeps_until_the_nearest(server, org):
    circle = await group(org.owner)
    clock = LaterClock(server.db, server.services.signals, server.services.part(Posting))
    (await make(org.owner, circle, ahead=timedelta(minutes=30))).raise_for_status()
    assert 0 < (await clock.post_due() or 0) <= 1800
