"""What an agent asks for, over HTTP, from programs, from the command line and in a browser."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from crewhall.sdk import Client, CrewhallApiError
from tests.cli.conftest import QuickCli
from tests.support.openai import Say, Use
from tests.support.server import Server, token_of
from tests.support.waiting import until
from tests.turns_faces.scene import Scene
from tests.web.browser import Visitors
from tests.web.judging import PHONE_DARK, WIDE_LIGHT, check

POLICY = {"tools": {"list_people": "ask"}}


async def asking(scene: Scene, *who: Any) -> dict[str, Any]:
    """An agent that asks whether it may list people."""
    (await scene.owner.patch(f"/agents/{scene.agent.id}", json={"tools": ["list_people"]})).raise_for_status()
    (await scene.owner.put("/tool-policy", json=POLICY)).raise_for_status()
    scene.model.play(Use([("list_people", {"limit": 5})]), Say("Here they are."))
    await scene.say(f"Who is here, @{scene.agent.code}?", *who)
    return (await until(lambda: waiting(scene)))[0]


async def waiting(scene: Scene) -> list[dict[str, Any]]:
    answer = await scene.owner.get("/approvals", params={"status": "waiting"})
    found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return found


@pytest.mark.rule("X5")
async def test_it_is_shown_whole_and_decided_over_http_once(scene: Scene, server: Server):
    asked = await asking(scene, scene.member.api)
    assert (asked["tool"], asked["risk"], asked["arguments"]) == ("list_people", "read", {"limit": 5})
    assert [one["id"] for one in asked["asked_for"]] == [str(scene.member.id)]
    assert asked["message"]["content"].startswith("Who is here")
    (run,) = await until(lambda: scene.runs(status="waiting"))  # it waits from a moment after it has asked
    assert run["id"] == asked["run_id"]
    path = f"/approvals/{asked['id']}"
    for decider in (scene.owner, scene.admin.api):  # are told in their inboxes
        (told,) = (await decider.get("/notifications", params={"kind": "approval"})).json()["items"]
        assert (told["subject_id"], told["path"]) == (asked["id"], path)
        assert told["summary"] == f"{asked['agent']['name']} asks to use list_people"
    assert (await scene.member.api.get("/notifications", params={"kind": "approval"})).json()["items"] == []
    blind = (await scene.admin.api.get(path)).raise_for_status().json()  # decides, but is no member there
    assert (blind["conversation"], blind["message"], blind["may_decide"]) == (None, None, True)
    mine = (await scene.member.api.get(path)).raise_for_status().json()
    assert mine["may_decide"] is False
    other = await server.make_org("Elsewhere")
    assert (await other.owner.api.get(path)).status_code == 404
    for api in (scene.member.api, scene.stranger.api, scene.agent.api):
        assert (await api.post(f"{path}/approve", json={})).status_code == 403
        assert (await api.post(f"{path}/refuse", json={"reason": "no"})).status_code == 403
    wrong = await scene.owner.post(f"{path}/approve", json={"arguments": {"limit": 0}})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "arguments")
    assert (await scene.owner.post(f"{path}/refuse", json={"reason": " "})).status_code == 422
    done = (await scene.admin.api.post(f"{path}/approve", json={"arguments": {"limit": 2}})).raise_for_status()
    assert (done.json()["status"], done.json()["approved_arguments"]) == ("approved", {"limit": 2})
    assert (await scene.owner.get("/notifications", params={"kind": "approval"})).json()["items"] == []
    again = await scene.owner.post(f"{path}/approve", json={})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert (again.json()["status"], again.json()["standing"]) == (409, "approved")
    assert again.json()["detail"].startswith("Somebody else has approved")
    own = await scene.admin.api.post(f"{path}/refuse", json={"reason": "no"})
    assert (own.status_code, own.json()["detail"]) == (409, "You have approved this already.")
    assert (await scene.ended())["status"] == "succeeded"
    page = (await scene.owner.get("/approvals", params={"limit": 1})).json()
    assert ([one["id"] for one in page["items"]], page["next"]) == ([asked["id"]], None)


@pytest.mark.rule("X5")
async def test_programs_and_the_command_line_decide_too(scene: Scene, tmp_path: Path):
    asked = await asking(scene)
    terminal = QuickCli(tmp_path, scene.server.address, CREWHALL_TOKEN=token_of(scene.owner))
    (listed,) = await terminal.ok("approvals")
    assert listed["id"] == asked["id"]
    assert '"limit": 5' in (await terminal.run("approvals", asked["id"])).out
    refused = await terminal.run("refuse", asked["id"], "Not", "today.")
    assert (refused.code, "reads why" in refused.out) == (0, True)
    assert (await terminal.run("approve", asked["id"])).code == 1
    await scene.ended()
    assert "Not today." in str(scene.model.requests[1]["messages"])
    before = {run["id"] for run in await scene.runs()}
    scene.model.play(Use([("list_people", {})]), Say("Here."))
    await scene.say(f"And now, @{scene.agent.code}?")
    (second,) = await until(lambda: waiting(scene))
    async with Client(scene.server.address, token=token_of(scene.owner)) as client:
        assert [one.id async for one in client.approvals.list(status="waiting")] == [second["id"]]
        assert (await client.approvals.get(second["id"])).arguments == {}
        assert (await client.approvals.approve(second["id"], arguments={"limit": 1})).status == "approved"
        with pytest.raises(CrewhallApiError):
            await client.approvals.refuse(second["id"], "late")
        assert (await client.approvals.set_policy({"hosts": ["example.org"]}))["hosts"] == ["example.org"]
        assert (await client.approvals.policy())["tools"] == {}
    assert (await scene.ended(before))["status"] == "succeeded"
    before |= {run["id"] for run in await scene.runs()}
    (await scene.owner.put("/tool-policy", json=POLICY)).raise_for_status()
    scene.model.play(Use([("list_people", {})]), Say("Here."))
    await scene.say(f"Once more, @{scene.agent.code}?")
    (third,) = await until(lambda: waiting(scene))
    approved = await terminal.run("approve", third["id"], "--arguments", '{"limit": 2}')
    assert (approved.code, "goes on and uses list_people" in approved.out) == (0, True)
    assert (await scene.ended(before))["status"] == "succeeded"
    assert (await scene.owner.get(f"/approvals/{third['id']}")).json()["approved_arguments"] == {"limit": 2}


@pytest.mark.rule("B9")
async def test_what_an_agent_remembers_is_for_the_eyes_of_that_person(visitors: Visitors, scene: Scene, tmp_path: Path):
    async with Client(scene.server.address, token=token_of(scene.member.api)) as client:
        assert (await client.agents.memory(scene.agent.id)).version == 0
        kept = await client.agents.set_memory(scene.agent.id, {"likes": "tea"}, version=0)
        with pytest.raises(CrewhallApiError) as stale:
            await client.agents.set_memory(scene.agent.id, {}, version=0)
    assert (kept.state, kept.version, stale.value.code) == ({"likes": "tea"}, 1, "stale_state")
    assert (await scene.owner.get(f"/agents/{scene.agent.id}/state")).json()["state"] == {}
    assert (await scene.agent.api.get(f"/agents/{scene.agent.id}/state")).status_code == 403
    terminal = QuickCli(tmp_path, scene.server.address, CREWHALL_TOKEN=token_of(scene.member.api))
    assert (await terminal.ok("agent", "memory", scene.agent.code))["state"] == {"likes": "tea"}
    page = await visitors.visit(f"/agents/{scene.agent.id}", scene.member)
    await expect(page.get_by_role("region", name="What it remembers of you")).to_contain_text("tea")
    await page.get_by_role("button", name="Let it forget").click()
    await expect(page.get_by_role("region", name="What it remembers of you")).to_contain_text("Nothing.")
    assert "nothing of you" in (await terminal.run("agent", "memory", scene.agent.code, "--forget")).out


@pytest.mark.rule("X5")
async def test_an_open_inbox_shows_what_comes_and_decides(visitors: Visitors, scene: Scene):
    visitors.tolerated = ("422",)
    page = await visitors.visit("/approvals", scene.org.owner, **WIDE_LIGHT)
    await expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    await expect(page.locator("#sidebar a[href='/approvals'] .count")).to_be_hidden()
    asked = await asking(scene)
    card = page.locator(f"#approval-{asked['id']}")
    await expect(card).to_contain_text("Scout asks to use list_people")
    await expect(card.locator("pre")).to_have_text('{\n  "limit": 5\n}')
    await expect(page.locator("#sidebar a[href='/approvals'] .count")).to_contain_text("1")
    assert "To the approvals" in await (await page.request.get(f"/runs/{asked['run_id']}")).text()
    await check(page, "the inbox")
    await card.get_by_text("Approve with changes").click()
    await card.get_by_label("Arguments, as JSON").fill('{"limit": 0}')
    await card.get_by_role("button", name="Approve these").click()
    await expect(page.locator(".error")).to_contain_text("does not take these arguments")
    await page.get_by_label("Arguments, as JSON").fill('{"limit": 1}')
    await check(page, "a refused change")
    await page.get_by_role("button", name="Approve these").click()
    await expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    run = await scene.ended()
    phone = await visitors.visit(f"/approvals/{asked['id']}", scene.org.owner, **PHONE_DARK)
    await expect(phone.get_by_text("Approved instead")).to_be_visible()
    await check(phone, "one approval on a phone")
    await phone.goto("/settings/tools")
    await phone.get_by_label("Hosts, one a line").fill("api.example.org\nnot a host")
    await phone.get_by_role("button", name="Save").click()
    await expect(phone.locator(".error")).to_contain_text("one a line")
    await phone.get_by_label("Hosts, one a line").fill("api.example.org")
    await phone.get_by_role("button", name="Save").click()
    await expect(phone.get_by_label("Hosts, one a line")).to_have_value("api.example.org")
    await check(phone, "what tools may do")
    await page.goto(f"/runs/{run['id']}")
    await expect(page.get_by_text("Asked to use list_people", exact=True)).to_be_visible()
    await check(page, "a run that asked")
    before = {one["id"] for one in await scene.runs()}
    scene.model.play(Use([("list_people", {"limit": 3}), ("list_people", {"limit": 4})]), Say("Some are."))
    await scene.say(f"And who else, @{scene.agent.code}?")
    await until(lambda: scene.runs(status="waiting"))
    await page.goto("/approvals")
    yes, no = (page.locator("article", has_text=f'"limit": {limit}') for limit in (3, 4))
    await yes.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.get_by_text("Approved: list_people is used now.")).to_be_visible()
    await expect(yes).to_have_count(0)
    await no.get_by_text("Refuse", exact=True).first.click()
    await no.get_by_label("Why?").fill("Ask them yourself.")
    await expect(no.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    await no.get_by_role("button", name="Refuse it with this reason").click()
    await expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    assert (await scene.ended(before))["status"] == "succeeded"
    assert "Ask them yourself." in str(scene.model.requests[-1]["messages"])
