"""Commands: lines that do something, for who may."""

from datetime import timedelta

import pytest

from crewhall.kernel.clock import utc_now
from tests.conversations.ways import direct, group, post, show


async def names(someone, place, **query):
    found = await someone.api.get(f"/conversations/{place}/commands", params=query)
    return [one["name"] for one in found.raise_for_status().json()["items"]]


async def carry_out(someone, place, line, **fields):
    return await someone.api.post(f"/conversations/{place}/commands", json={"line": line, **fields})


@pytest.mark.rule("B4")
async def test_quick_tasks_of_agents_that_are_here_are_given_by_a_line(server, org):
    agent, twin, elsewhere = [await server.hire(org) for _ in range(3)]
    for hired in (agent, twin, elsewhere):
        task = {"title": "Öpen questions?", "prompt": "Which are open?"}
        (await org.owner.api.post(f"/agents/{hired.id}/quick-tasks", json=task)).raise_for_status()
    off = {"title": "Off", "prompt": "x", "enabled": False}
    (await org.owner.api.post(f"/agents/{agent.id}/quick-tasks", json=off)).raise_for_status()
    circle = await group(org.owner, agent, twin)
    first, second = sorted((agent, twin), key=lambda one: one.code)
    assert await names(org.owner, circle) == [
        "later", "topic", "invite", "open-questions", f"open-questions-{second.code}",
    ]  # fmt: skip
    done = (await carry_out(org.owner, circle, "/open-questions")).raise_for_status().json()
    given = (await org.owner.api.get(f"/conversations/{circle}/messages/{done['message_id']}")).json()
    assert given["content"] == f"@{first.code} Which are open?"
    assert given["client_id"].startswith(f"task:{first.id}:")
    assert await names(org.owner, await direct(org.owner, elsewhere)) == ["later", "open-questions"]
    assert (await carry_out(org.owner, circle, "/off")).status_code == 404
    assert await names(org.owner, circle, parent=given["id"]) == ["later"]
    for wrong in (await org.add(), elsewhere):
        assert (await carry_out(wrong, circle, "/open-questions")).status_code == 404


async def test_topic_and_invite_are_for_who_may(server, org):
    ada, agent = await org.add(), await server.hire(org)
    circle = await group(org.owner, ada)
    (await carry_out(org.owner, circle, "/topic  Ship on\nFriday ")).raise_for_status()
    assert (await show(org.owner, circle))["description"] == "Ship on Friday"
    assert await names(ada, circle) == ["later", "invite"]
    assert (await carry_out(ada, circle, "/topic mine")).status_code == 404  # it is not offered to her
    handle = (await ada.api.get("/me")).json()["user"]["handle"]
    said = (await carry_out(ada, circle, f"/invite @{agent.code}, {handle}")).raise_for_status().json()["said"]
    assert said == f"@{agent.code} joined."
    for line in ("/invite", "/invite @nobody-at-all"):
        assert (await carry_out(ada, circle, line)).json()["code"] == "invalid", line
    assert await names(agent, circle) == ["invite"]


async def test_a_line_works_without_scripts_and_lets_the_draft_go(server, org):
    circle = await group(org.owner)
    browser, _ = await server.browse(org.owner)
    origin = {"origin": server.address, "accept": "text/html"}
    await org.owner.api.put(f"/conversations/{circle}/draft", json={"content": "/topic On"})
    assert "/topic On</textarea>" in (await browser.get(f"{server.address}/c/{circle}", headers=origin)).text
    for line in ("/topic On paper", "/usr/bin is a path"):
        sent = await browser.post(f"{server.address}/c/{circle}/messages", data={"content": line}, headers=origin)
        assert sent.status_code == 303
    assert (await show(org.owner, circle))["description"] == "On paper"
    said = (await org.owner.api.get(f"/conversations/{circle}/messages")).json()["items"]
    assert [one["content"] for one in said] == ["/usr/bin is a path"]
    assert (await org.owner.api.get("/drafts")).json()["items"] == []
    planned = {"conversation_id": circle, "content": "By form", "due_at": "2026-02-30T09:00"}
    refused = await browser.post(f"{server.address}/later", data=planned, headers=origin)
    assert (refused.status_code, "Choose a day and a time." in refused.text) == (422, True)
    planned["due_at"] = f"{utc_now() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert (await browser.post(f"{server.address}/later", data=planned, headers=origin)).status_code == 303
    (later,) = (await org.owner.api.get("/later")).json()["items"]
    assert "By form" in (await browser.get(f"{server.address}/later/{later['id']}", headers=origin)).text
    sent = await browser.post(f"{server.address}/later/{later['id']}/send", headers=origin)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/c/{circle}")


async def test_later_reads_the_moment_on_the_writers_clock(org):
    circle = await group(org.owner)
    root = await post(org.owner, circle, "root")
    fields = {"parent_id": root["id"], "timezone": "Europe/Berlin"}
    done = (
        (await carry_out(org.owner, circle, "/later tomorrow 9:00 Good  morning", **fields)).raise_for_status().json()
    )
    made = (await org.owner.api.get(f"/later/{done['later_id']}")).json()
    assert (made["content"], made["timezone"], made["parent_id"]) == ("Good  morning", "Europe/Berlin", root["id"])
    for line in ("/later", "/later 20m", "/later soon x", "/nothing", "/later/x"):
        assert (await carry_out(org.owner, circle, line)).status_code in {404, 422}, line
