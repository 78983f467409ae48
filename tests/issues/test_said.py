"""Comments on both sides: shown in the thread by whom GitHub names, said there by name; nobody is called by them."""

from datetime import timedelta
from typing import Any

import pytest

from crewhall.kernel.clock import utc_now
from crewhall.work.github.items import Item
from crewhall.work.github.vocabulary import ItemKind
from tests.identity.hall import Org
from tests.issues.ground import Bound, bind
from tests.issues.test_taking import issue
from tests.support.server import Server
from tests.work.ground import done


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
