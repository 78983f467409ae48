"""Comments on both sides: shown in the thread by whom GitHub names, said there by name; nobody is called by them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from crewhall.kernel.clock import utc_now
from crewhall.work.github.items import Item
from crewhall.work.github.vocabulary import ItemKind
from crewhall.work.issues import sent
from crewhall.work.issues.sent import CommentSender
from tests.identity.hall import Org
from tests.issues.ground import Bound, bind
from tests.issues.test_taking import issue
from tests.support.server import Server
from tests.support.waiting import until
from tests.web.test_long_lists import browse
from tests.work.ground import begun, done, wrote


@pytest.fixture
async def bound(server: Server, org: Org) -> Bound:
    bound = await bind(server, org)
    await bound.tell(issue())
    return bound


def comment(body: str, *, key: int = 1, days: float = 1, **fields: Any) -> Item:
    at = utc_now() + timedelta(days=days)
    given = {"author": "octocat", "url": "https://github.com/octo/hall/issues/1#1"} | fields
    return Item(
        kind=ItemKind.COMMENT,
        key=str(key),
        number=1,
        body=body,
        moment=at,
        data={"created_at": at.isoformat()},
        **given,
    )


async def thread(bound: Bound) -> list[dict[str, Any]]:
    task = await bound.task()
    channel, parent = task["project"]["conversation_id"], task["thread_id"]
    path = f"/conversations/{channel}/messages"
    return done(await bound.org.owner.api.get(path, params={"parent": parent})).json()["items"]  # type: ignore[no-any-return]


async def test_what_is_said_there_stands_in_the_thread_and_wakes_nobody(bound: Bound, server: Server, org: Org):
    robot = await server.hire(org)
    code = (await robot.api.get("/me")).json()["agent"]["code"]
    await bound.tell(comment("Long ago", key=9, days=-1), comment(f"Ask @{code}"))
    assert await bound.say() == 1, "what was said before both were linked stays there"
    (said,) = await thread(bound)
    assert (said["author"]["type"], said["author"]["name"]) == ("system", "octocat (GitHub)")
    assert (said["mentions"], said["metadata"]["github"]["author"]) == ([], "octocat")
    assert f'href="https://github.com/{code}"' in said["html"]
    inbox = (await robot.api.get("/me")).json()["inbox_id"]
    assert (await robot.api.get(f"/conversations/{inbox}/messages")).json()["items"] == []
    await bound.tell(comment("Ask somebody else", days=2), comment("<b>Two</b>", key=2))
    assert await bound.say() == 2
    first, second = await thread(bound)
    assert (first["id"], first["content"]) == (said["id"], "Ask somebody else")
    assert "<b>" not in second["html"]
    await bound.tell(comment("", days=3, is_deleted=True))
    await bound.say()
    assert (await thread(bound))[0]["deleted_at"] is not None


async def test_what_is_said_of_a_task_is_said_there_by_name_and_once(bound: Bound, org: Org):
    bound.hub.add_issue()
    task = await bound.task()
    done(await org.owner.api.post(f"/tasks/{task['id']}/comments", json={"content": "Ask @octocat"}))
    done(await org.owner.api.post(f"/tasks/{task['id']}/comments", json={"content": "Between us", "only_here": True}))
    (sent,) = await bound.send()
    assert (sent["kind"], sent["state"]) == ("comment", "done")
    (there,) = bound.hub.comments
    name = (await org.owner.api.get("/me")).json()["actor"]["name"]
    assert there["body"].startswith(f"**{name}**: Ask @\N{ZERO WIDTH SPACE}octocat\n\n<!-- crewhall:")
    assert await bound.say() == 0, "what came from here is not shown again"
    forged = there["body"].partition("crewhall:")[0] + f"crewhall:{task['id']} -->"
    await bound.tell(comment(forged, key=77))
    assert await bound.say() == 1, "a mark that nobody here made hides nothing"
    assert len(await thread(bound)) == 3


async def test_a_repository_that_takes_no_comments_gets_none(server: Server, org: Org):
    bound = await bind(server, org, sends_comments=False)
    await bound.tell(issue())
    task = await bound.task()
    done(await org.owner.api.post(f"/tasks/{task['id']}/comments", json={"content": "Between us"}))
    assert await bound.send() == []


@pytest.mark.rule("D8", "X1")
async def test_a_comment_goes_out_once_whatever_breaks_off_between(
    bound: Bound, server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    bound.hub.add_issue()
    task = await bound.task()
    done(await org.owner.api.post(f"/tasks/{task['id']}/comments", json={"content": "Before the crash"}))
    sender = CommentSender(server.db)
    with monkeypatch.context() as patch:  # it dies when the change is written, and nothing is durable yet

        async def dies(_tx: object, _messages: object) -> int:
            raise ConnectionError

        patch.setattr(sent, "_send", dies)

        async def died() -> bool:
            try:
                await sender.step()
            except ConnectionError:
                return True
            return False

        await until(died)
    await bound.follow()
    await bound.follow()
    (out,) = await bound.send()
    assert (out["kind"], out["state"], len(bound.hub.comments)) == ("comment", "done", 1)
    async with server.db.transaction(org.owner.actor) as tx:
        assert await tx.value("select send_comments(array(select message_id from task_comments), '{again}')") == 0
    first, second = CommentSender(server.db), CommentSender(server.db)
    done(await org.owner.api.post(f"/tasks/{task['id']}/comments", json={"content": "Two at once"}))

    async def have_seen_all() -> bool:
        await asyncio.gather(first.step(), second.step())
        async with server.db.transaction(None) as tx:
            return bool(await tx.value("select consumer_lag('task_comments') is null"))

    await until(have_seen_all)
    assert len(await bound.send()) == 2


async def test_what_is_edited_or_deleted_before_goes_out_as_it_is(bound: Bound, org: Org):
    bound.hub.add_issue()
    task = await bound.task()
    said = [
        done(await org.owner.api.post(f"/tasks/{task['id']}/comments", json={"content": words})).json()
        for words in ("Frist", "Second")
    ]
    path = f"/conversations/{said[0]['conversation_id']}/messages"
    done(await org.owner.api.patch(f"{path}/{said[0]['id']}", json={"content": "First"}))
    done(await org.owner.api.delete(f"{path}/{said[1]['id']}"))
    await bound.send()
    (there,) = bound.hub.comments
    assert ": First\n" in there["body"]


@pytest.mark.rule("B1")
async def test_nobody_marks_a_message_as_a_comment_by_themselves(bound: Bound, org: Org):
    task = await bound.task()
    done(await org.owner.api.post(f"/tasks/{task['id']}/comments", json={"content": "Begins", "only_here": True}))
    now = await bound.task()
    body = {"content": "Out!", "parent_id": now["thread_id"]}
    path = f"/conversations/{task['project']['conversation_id']}/messages"
    mark = {"task_comment": {"task": task["id"], "only_here": False}}
    assert (await org.owner.api.post(path, json=body | {"metadata": mark})).status_code == 422
    done(await org.owner.api.post(path, json=body))
    assert await bound.send() == [], "what is otherwise said in the thread stays here"


@pytest.mark.rule("D8", "B1")
async def test_what_was_said_before_the_issue_stays_until_somebody_sends_it(server: Server, org: Org, other_org: Org):
    bound = await bind(server, org)
    task = await wrote(org.owner, bound.project)
    path = f"/tasks/{task['id']}"
    for words in ("One", "Two"):
        done(await org.owner.api.post(f"{path}/comments", json={"content": words}))
    await bound.follow()
    assert (await bound.at_github(task))["unsent_comments"] == 0, "there is nowhere to say them"
    assert (await org.owner.api.post(f"{path}/earlier-comments")).status_code == 409
    done(await org.owner.api.post(f"{path}/issue"))
    done(await org.owner.api.post(f"{path}/comments", json={"content": "While it is made"}))
    await bound.send()
    await bound.send()
    assert [one["body"].partition("\n")[0][-7:] for one in bound.hub.comments] == ["is made"]
    page = (await (await browse(server, org.owner)).get(path)).text
    assert "2 comments were made before the issue was here, and stay here." in page
    assert (await bound.at_github(task))["unsent_comments"] == 2
    stranger = await server.hire(org, level="project", project_id=(await begun(org.owner, "Other"))["id"])
    other = await server.hire(org, level="project", project_id=bound.project["id"])
    assert (await stranger.api.post(f"{path}/earlier-comments")).status_code == 404
    assert (await other_org.owner.api.post(f"{path}/earlier-comments")).status_code == 404
    assert (await other.api.post(f"{path}/earlier-comments")).status_code == 403, "it is not its task"
    async with server.db.transaction(other_org.owner.actor) as tx:
        sql = "select count(*) from task_comments where task_id = %(id)s"
        assert await tx.value(sql, {"id": task["id"]}) == 0
    client = await browse(server, org.owner)
    assert (await client.post(f"{path}/earlier-comments")).status_code in {200, 303}
    await bound.send()
    assert len(bound.hub.comments) == 3
    assert (await org.owner.api.post(f"{path}/earlier-comments")).status_code == 409
    assert (await bound.at_github(task))["unsent_comments"] == 0
