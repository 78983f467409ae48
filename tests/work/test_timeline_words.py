"""The timeline searched by words, within reach; who is mentioned on it is told."""

import pytest

from tests.conversations.ways import caught_up, group
from tests.identity.hall import Org
from tests.notifications.ways import told as notified
from tests.support.server import Server
from tests.work.ground import begun, done
from tests.work.timeline_ground import listed, posted, said, told


async def test_words_find_events_and_the_messages_that_they_tell_of(server: Server, org: Org):
    general = await server.general(org)
    first = await posted(org.owner, "The gearwheel of the Café is worn.")
    await posted(org.owner, "水車が止まった。", type="advice_given")
    question = await said(org.owner, general, "Who has a spare gearwheel?", kind="question")
    await said(org.owner, general, "The gearwheel is only spoken of here.")
    await told(org.owner.api, 3)
    await caught_up(server.db, "search")
    assert [one["id"] for one in await listed(org.owner.api, q="gearwheel")] == [question["id"], first["id"]]
    assert [one["id"] for one in await listed(org.owner.api, q="cafe gear")] == [first["id"]], "a beginning"
    assert [one["text"] for one in await listed(org.owner.api, q="水車")] == ["水車が止まった。"]
    assert [one["id"] for one in await listed(org.owner.api, q="gearwheel", type="question_asked")] == [question["id"]]
    assert await listed(org.owner.api, q="gearwheel sprocket") == await listed(org.owner.api, q="?!") == []
    page = (await org.owner.api.get("/timeline", params={"q": "gearwheel", "limit": 1})).json()
    older = (await org.owner.api.get("/timeline", params={"q": "gearwheel", "after": page["next"]})).json()
    assert [one["id"] for one in older["items"]] == [first["id"]]
    newer = await listed(org.owner.api, q="gearwheel", before=older["previous"])
    assert [one["id"] for one in newer] == [question["id"]]
    assert (await org.owner.api.get("/timeline", params={"q": "x" * 201})).status_code == 422
    done(await org.owner.api.delete(f"/conversations/{general}/messages/{question['id']}"))
    await caught_up(server.db, "search")
    assert [one["id"] for one in await listed(org.owner.api, q="gearwheel")] == [first["id"]], "words go with a message"
    exported = done(await org.owner.api.get("/timeline/export", params={"q": "gearwheel", "format": "jsonl"})).text
    assert len(exported.splitlines()) == 1


@pytest.mark.rule("B1", "D5")
async def test_words_find_nothing_out_of_reach(server: Server, org: Org, other_org: Org):
    circle, member = await group(org.owner), await org.add()
    hidden = await server.hire(org, visibility="hidden")
    await said(org.owner, circle, "Is the zircon ours?", kind="question")
    await posted(hidden, "The zircon is scratched.")
    await posted(other_org.owner, "Our zircon is gone.")
    await told(org.owner.api, 2)
    await caught_up(server.db, "search")
    assert len(await listed(org.owner.api, q="zircon")) == 2
    assert await listed(member.api, q="zircon") == []
    assert [one["text"] for one in await listed(other_org.owner.api, q="zircon")] == ["Our zircon is gone."]


@pytest.mark.rule("E4")
async def test_who_is_mentioned_is_told_as_far_as_they_may_see(server: Server, org: Org):
    project, ada, bob = await begun(org.owner), await org.add(), await org.add()
    scout = await server.hire(org)
    apart = await server.hire(org, level="project", project_id=project["id"])
    mentioned = [str(ada.id), str(org.owner.id), scout.id]
    event = await posted(org.owner, "The mill is stuck.", mentions=mentioned)
    (one,) = await notified(server, ada)
    assert (one["kind"], one["path"]) == ("timeline_mention", f"/timeline/{event['id']}")
    assert one["summary"].endswith(" mentioned you on the timeline")
    assert [note["kind"] for note in await notified(server, scout)] == ["timeline_mention"]
    assert await notified(server, org.owner) == [], "who says it knows it"
    assert await notified(server, bob) == []
    of_project = await posted(apart, "Only here.", mentions=[str(bob.id)])
    assert [note["path"] for note in await notified(server, bob)] == [f"/timeline/{of_project['id']}"]
    stranger = await server.hire(org, level="project", project_id=(await begun(org.owner, "Else"))["id"])
    unseen = await apart.api.post(
        "/timeline",
        json={"type": "question_asked", "content": {"text": "?"}, "mentions": [stranger.id]},
    )
    assert (unseen.status_code, await notified(server, stranger)) == (unseen.status_code, [])
    done(await org.owner.api.patch(f"/agents/{apart.id}", json={"visibility": "hidden"}))
    assert [note["path"] for note in await notified(server, bob)] == [], "whom they may not see says nothing to them"
