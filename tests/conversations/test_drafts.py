"""Drafts: kept per person and place, on every device, and never written over unseen."""

import asyncio

import pytest

from crewhall.conversations import drafts
from tests.conversations.ways import group, post


async def save(someone, place, content, version=0, **fields):
    return await someone.api.put(
        f"/conversations/{place}/draft", json={"content": content, "version": version, **fields}
    )


async def kept(someone, place, **query):
    return (await someone.api.get(f"/conversations/{place}/draft", params=query)).raise_for_status().json()


@pytest.mark.rule("E4")
async def test_a_draft_is_there_on_the_next_device_and_in_each_thread_its_own(server, org):
    ada, agent = await org.add(), await server.hire(org)
    circle = await group(org.owner, ada, agent)
    root = await post(org.owner, circle, "Where?")
    assert (await kept(ada, circle))["version"] == 0
    first = (await save(ada, circle, "Half a th")).json()
    reply = (await save(ada, circle, "Here", parent_id=root["id"], kind="answer")).json()
    second = (await save(ada, circle, "Half a thought", first["version"], title="T")).json()
    assert second["version"] > first["version"]
    assert (await kept(ada, circle))["content"] == "Half a thought"
    assert await kept(ada, circle, parent=root["id"]) == reply
    listed = (await ada.api.get("/drafts")).json()["items"]
    assert [(one["content"], one["parent_id"], one["conversation"]["title"]) for one in listed] == [
        ("Half a thought", None, "Circle"), ("Here", root["id"], "Circle"),
    ]  # fmt: skip
    assert (await kept(org.owner, circle))["version"] == 0  # nobody else sees it
    assert (await org.owner.api.get("/drafts")).json()["items"] == []
    refused = await save(agent, circle, "mine")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (await save(await org.add(), circle, "mine")).status_code == 404  # who does not read there keeps nothing
    assert (await save(ada, circle, "x", parent_id=reply["version"])).status_code == 422
    page = (await ada.api.get("/drafts", params={"limit": 1})).json()
    rest = (await ada.api.get("/drafts", params={"after": page["next"]})).json()
    assert [one["content"] for one in rest["items"]] == ["Here"]


@pytest.mark.rule("E4")
async def test_two_windows_lose_no_words(org):
    circle = await group(org.owner)
    first = (await save(org.owner, circle, "one")).json()
    answers = await asyncio.gather(*(save(org.owner, circle, word, first["version"]) for word in ("two", "three")))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    told = lost.json()["draft"]
    assert (lost.json()["code"], told["content"], told["version"]) == (
        "stale_draft", won.json()["content"], won.json()["version"],
    )  # fmt: skip
    again = await save(org.owner, circle, won.json()["content"], first["version"])
    assert again.json()["version"] == won.json()["version"]  # the same words are no conflict
    path = f"/conversations/{circle}/draft"
    assert (await org.owner.api.delete(path, params={"version": first["version"]})).status_code == 409
    assert (await org.owner.api.delete(path, params={"version": told["version"]})).status_code == 204
    assert (await org.owner.api.delete(path)).status_code == 204
    anew = (await save(org.owner, circle, "anew")).json()
    assert anew["version"] > told["version"]  # so that the version of one thrown away fits no other
    assert (await save(org.owner, circle, " ", anew["version"])).json()["version"] == 0
    assert (await org.owner.api.get("/drafts")).json()["items"] == []


@pytest.mark.rule("B1")
async def test_words_of_one_who_was_removed_stay_theirs(org, monkeypatch):
    ada = await org.add()
    circle = await group(org.owner, ada)
    (await save(ada, circle, "secret")).raise_for_status()
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{ada.id}")).raise_for_status()
    (shown,) = (await ada.api.get("/drafts")).json()["items"]
    assert (shown["content"], shown["conversation"]) == ("secret", None)
    assert (await save(ada, circle, "more", shown["version"])).status_code == 404
    monkeypatch.setattr(drafts, "MOST", 1)
    assert (await save(ada, await group(ada), "another")).json()["code"] == "conflict"
