import asyncio

import pytest

from crewhall.conversations import overlays
from crewhall.conversations.overlays import MAX_REACTION_KINDS
from tests.conversations.ways import group, post


def path_of(message):
    return f"/conversations/{message['conversation_id']}/messages/{message['id']}"


@pytest.mark.rule("E4")
async def test_a_message_is_edited_by_its_author_with_the_history_kept(server, org):
    ada = await org.add()
    circle = await group(org.owner, ada)
    message = await post(ada, circle, "frist", title="T")
    for refused in (org.owner, await server.hire(org)):
        assert (await refused.api.patch(path_of(message), json={"content": "x"})).status_code in {403, 404}
    edited = (await ada.api.patch(path_of(message), json={"content": "**first**"})).json()
    assert (edited["content"], edited["html"], edited["title"]) == ("**first**", "<p><strong>first</strong></p>", "T")
    assert edited["edited_at"] is not None
    assert edited["seq"] == message["seq"]
    (await ada.api.patch(path_of(message), json={"content": "**first**", "title": "U"})).raise_for_status()
    history = (await org.owner.api.get(path_of(message) + "/history")).json()["items"]
    assert [(item["version"], item["title"], item["content"]) for item in history] == [
        (1, "T", "frist"), (2, "T", "**first**"), (3, "U", "**first**"),
    ]  # fmt: skip


@pytest.mark.rule("E4")
async def test_of_two_windows_that_edit_one_message_the_second_is_told(org):
    circle = await group(org.owner)
    message = await post(org.owner, circle, "one", title="T")
    bodies = [{"content": word, "based_on": None} for word in ("two", "three")]
    answers = await asyncio.gather(*(org.owner.api.patch(path_of(message), json=body) for body in bodies))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code, lost.json()["code"]) == (200, 409, "stale_message")
    now = won.json()
    told = lost.json()["message"]
    assert (told["content"], told["title"], told["edited_at"]) == (now["content"], "T", now["edited_at"])
    again = await org.owner.api.patch(path_of(message), json={"content": now["content"], "based_on": None})
    assert again.json()["edited_at"] == now["edited_at"]  # the same words are no conflict
    seen = {"content": "four", "based_on": now["edited_at"]}
    assert (await org.owner.api.patch(path_of(message), json=seen)).json()["content"] == "four"
    blind = await asyncio.gather(
        *(org.owner.api.patch(path_of(message), json={"content": word}) for word in ("five", "six"))
    )
    assert [answer.status_code for answer in blind] == [200, 200]  # who does not say what it saw has the last word
    history = (await org.owner.api.get(path_of(message) + "/history")).json()["items"]
    assert [item["content"] for item in history[:3]] == ["one", now["content"], "four"]
    assert {item["content"] for item in history[3:]} == {"five", "six"}


async def test_an_edit_that_changes_nothing_writes_nothing(server, org):
    circle = await group(org.owner)
    message = await post(org.owner, circle, "same")
    assert (await org.owner.api.patch(path_of(message), json={"content": "same"})).json()["edited_at"] is None
    assert (await org.owner.api.get(f"/conversations/{circle}")).json()["last_seq"] == message["seq"]


async def test_an_edit_resolves_mentions_anew(server, org):
    agent = await server.hire(org)
    message = await post(org.owner, await server.general(org), "hi")
    edited = (await org.owner.api.patch(path_of(message), json={"content": f"hi @{agent.code}"})).json()
    assert edited["mentions"] == [agent.id]
    assert 'class="mention"' in edited["html"]


@pytest.mark.rule("E4")
async def test_a_deleted_message_leaves_a_tombstone(server, org):
    ada, bob, admin = await org.add(), await org.add(), await org.add("admin")
    circle = await group(org.owner, ada, bob, admin)
    first, second = await post(ada, circle, "secret"), await post(ada, circle, "other")
    (await bob.api.put(path_of(first) + "/reactions/👍")).raise_for_status()
    refused = await bob.api.delete(path_of(first))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await ada.api.delete(path_of(first))).status_code == 204
    assert (await ada.api.delete(path_of(first))).status_code == 204
    assert (await admin.api.delete(path_of(second))).status_code == 204
    shown = (await bob.api.get(path_of(first))).json()
    assert (shown["content"], shown["html"], shown["reactions"]) == ("", "", {})
    assert shown["deleted_at"] is not None
    for method, path, body in (
        ("PATCH", "", {"content": "x"}), ("PUT", "/pin", None), ("PUT", "/reactions/👍", None),
        ("GET", "/history", None),
    ):  # fmt: skip
        answer = await ada.api.request(method, path_of(first) + path, json=body)
        assert answer.status_code in {404, 409}, (method, path)
    listed = (await bob.api.get(f"/conversations/{circle}/messages")).json()["items"]
    assert [item["content"] for item in listed] == ["", ""]
    kept = (await admin.api.get(path_of(first) + "/history")).json()["items"]
    assert kept[0]["content"] == "secret"


@pytest.mark.rule("E4")
async def test_people_pin_and_agents_do_not(server, org):
    agent, member = await server.hire(org), await org.add()
    message = await post(org.owner, await server.general(org))
    assert (await agent.api.put(path_of(message) + "/pin")).status_code == 403
    pinned = (await member.api.put(path_of(message) + "/pin")).json()
    assert pinned["pinned_at"] is not None
    assert (await org.owner.api.put(path_of(message) + "/pin")).json()["pinned_at"] == pinned["pinned_at"]
    assert (await org.owner.api.delete(path_of(message) + "/pin")).json()["pinned_at"] is None
    assert (await org.owner.api.delete(path_of(message) + "/pin")).json()["pinned_at"] is None


@pytest.mark.rule("E4")
async def test_reactions_are_a_set_per_emoji(server, org):
    agent, member = await server.hire(org), await org.add()
    message = await post(org.owner, await server.general(org))
    thumb = path_of(message) + "/reactions/👍"
    for _ in range(2):
        (await member.api.put(thumb)).raise_for_status()
    shown = (await agent.api.put(thumb)).json()
    assert shown["reactions"] == {"👍": [{"type": "user", "id": str(member.id)}, {"type": "agent", "id": agent.id}]}
    shown = (await member.api.delete(thumb)).json()
    assert shown["reactions"] == {"👍": [{"type": "agent", "id": agent.id}]}
    assert (await agent.api.delete(thumb)).json()["reactions"] == {}
    assert (await agent.api.delete(thumb)).json()["reactions"] == {}


@pytest.mark.parametrize("emoji", ["a", "ab", "👍👍", "%3Cb%3E", "%00", "+", "x" * 17, "%20"])
async def test_a_reaction_is_one_emoji(server, org, emoji):
    message = await post(org.owner, await server.general(org))
    assert (await org.owner.api.put(f"{path_of(message)}/reactions/{emoji}")).status_code in {400, 404, 422}


async def test_a_message_takes_so_many_kinds_of_reaction(server, org):
    message = await post(org.owner, await server.general(org))
    emoji = [chr(0x1F400 + number) for number in range(MAX_REACTION_KINDS + 1)]
    for one in emoji[:-1]:
        assert (await org.owner.api.put(f"{path_of(message)}/reactions/{one}")).status_code == 200
    assert (await org.owner.api.put(f"{path_of(message)}/reactions/{emoji[-1]}")).status_code == 409
    assert (await org.owner.api.put(f"{path_of(message)}/reactions/{emoji[0]}")).status_code == 200


async def test_a_message_takes_so_many_reactions(server, org, monkeypatch):
    monkeypatch.setattr(overlays, "MAX_REACTIONS", 2)
    people = [await org.add() for _ in range(3)]
    thumb = path_of(await post(org.owner, await server.general(org))) + "/reactions/👍"
    assert [(await one.api.put(thumb)).status_code for one in people] == [200, 200, 409]
    assert (await people[0].api.put(thumb)).status_code == 200, "what is there already"
    assert (await people[0].api.delete(thumb)).status_code == 200
    assert (await people[2].api.put(thumb)).status_code == 200


async def test_concurrent_reactions_of_one_person_count_once(server, org):
    people = [await org.add() for _ in range(3)]
    message = await post(org.owner, await server.general(org))
    await asyncio.gather(*(person.api.put(path_of(message) + "/reactions/🎉") for person in people for _ in range(4)))
    shown = (await org.owner.api.get(path_of(message))).json()
    assert sorted(by["id"] for by in shown["reactions"]["🎉"]) == sorted(str(person.id) for person in people)


@pytest.mark.rule("B7")
async def test_replies_are_counted_on_their_parent(server, org):
    circle = await group(org.owner)
    parent = await post(org.owner, circle)
    for _ in range(3):
        reply = await post(org.owner, circle, parent_id=parent["id"])
    shown = (await org.owner.api.get(path_of(parent))).json()
    assert (shown["reply_count"], shown["last_reply_at"]) == (3, reply["created_at"].replace("Z", "") + "Z")
    other = await group(org.owner)
    wrong = await org.owner.api.post(
        f"/conversations/{other}/messages", json={"content": "x", "parent_id": parent["id"]}
    )
    assert wrong.status_code == 422


async def test_a_message_is_found_in_its_own_conversation_only(server, org):
    message = await post(org.owner, await group(org.owner))
    other = await group(org.owner)
    assert (await org.owner.api.get(f"/conversations/{other}/messages/{message['id']}")).status_code == 404
    assert (
        await org.owner.api.patch(f"/conversations/{other}/messages/{message['id']}", json={"content": "x"})
    ).status_code == 404


async def test_versions_follow_each_other_in_pages(org):
    message = await post(org.owner, await group(org.owner), "one")
    path = path_of(message)
    for text in ("two", "three"):
        (await org.owner.api.patch(path, json={"content": text})).raise_for_status()
    first = (await org.owner.api.get(path + "/history", params={"limit": 2})).json()
    rest = (await org.owner.api.get(path + "/history", params={"limit": 2, "after": first["next"]})).json()
    assert [(one["version"], one["content"]) for one in [*first["items"], *rest["items"]]] == [
        (1, "one"), (2, "two"), (3, "three")
    ]  # fmt: skip
    assert rest["next"] is None
