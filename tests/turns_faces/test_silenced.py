"""Agents that have nothing left to spend: who looks is told until when, who made a webhook that it does not answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.identity.hall import Org
from tests.support.openai import Say
from tests.support.waiting import until
from tests.taking.webhooks import Elsewhere
from tests.turns_faces.scene import THINKS, Scene
from tests.turns_faces.test_hooks import called, made
from tests.turns_faces.test_runtimes import reaching, serve
from tests.web.browser import PHONE, Visitors
from tests.web.judging import check


async def set_budget(scene: Scene, **fields: Any) -> str:
    """Let the agent of the scene begin no more turns."""
    body = {"agent_id": scene.agent.id, "run_limit": 0, "period": "day", "strictness": "hard", **fields}
    return str((await scene.owner.post("/budgets", json=body)).raise_for_status().json()["id"])


async def told(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    """What somebody was told of webhooks."""
    found: list[dict[str, Any]] = (await api.get("/notifications", params={"kind": "webhook"})).json()["items"]
    return found


async def agent_page(scene: Scene) -> str:
    """The page of the scene's agent, as a member reads it."""
    browser, _ = await scene.server.browse(scene.member)
    page = await browser.get(f"{scene.server.address}/agents/{scene.agent.id}")
    return page.raise_for_status().text


async def decided(scene: Scene, count: int) -> None:
    """Wait until so much has been decided in the group."""

    async def look() -> bool:
        return len(await scene.decisions()) == count

    await until(look)


@pytest.mark.rule("C9")
async def test_who_looks_at_an_agent_out_of_budget_is_told_until_when(visitors: Visitors, scene: Scene):
    await set_budget(scene)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    page = await visitors.visit("/agents", scene.member, **PHONE)
    card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name="Scout", exact=True))
    await expect(card).to_contain_text("out of budget until")
    await expect(card.locator("time")).to_have_attribute("datetime", f"{tomorrow}T00:00:00+00:00")
    await expect(page.get_by_text("out of budget")).to_have_count(1)
    await check(page, "an agent out of budget")
    await card.get_by_role("link", name="Scout", exact=True).click()
    await expect(page.locator(".page-head")).to_contain_text("out of budget until")
    await page.goto(f"/c/{scene.circle}")
    await page.locator(".stream crew-composer textarea").fill(f"@{scene.agent.code} are you there?")
    hint = page.locator(".stream [data-wakes]")
    await expect(hint).to_contain_text(
        f"is used up. An owner or an admin can raise it. There is a new one from {tomorrow}"
    )
    # One that has no end says none; one of another place is nothing that holds here.
    await set_budget(scene, period="total")
    await page.goto(f"/agents/{scene.agent.id}")
    await expect(page.locator(".page-head")).to_contain_text("out of budget")
    await expect(page.locator(".page-head time")).to_have_count(0)


@pytest.mark.rule("C9")
async def test_who_thinks_elsewhere_waits_for_no_tokens(scene: Scene):
    await set_budget(scene, run_limit=None, token_limit=0)
    assert "out of budget" in await agent_page(scene)
    async with reaching(scene.server, Elsewhere({"content": "A heron."})) as elsewhere:
        await serve(scene, elsewhere)
    assert "out of budget" not in await agent_page(scene)


@pytest.mark.rule("C9")
async def test_a_budget_of_one_conversation_holds_there_alone(scene: Scene):
    await set_budget(scene, conversation_id=scene.circle)
    assert "out of budget" not in await agent_page(scene)
    preview = f"/conversations/{scene.circle}/messages/preview"
    (woken,) = (await scene.owner.post(preview, json={"content": f"@{scene.agent.code}"})).json()["agents"]
    assert (woken["reason"], woken["until"][11:19]) == ("budget", "00:00:00")


@pytest.mark.rule("C9")
async def test_of_several_budgets_the_one_that_begins_anew_last_holds(scene: Scene):
    await set_budget(scene)
    await set_budget(scene, period="month")
    month = datetime.now(UTC).date().replace(day=1) + timedelta(days=32)
    preview = f"/conversations/{scene.circle}/messages/preview"
    (woken,) = (await scene.owner.post(preview, json={"content": f"@{scene.agent.code}"})).json()["agents"]
    assert woken["until"][:10] == str(month.replace(day=1))


@pytest.mark.rule("C9", "B11")
async def test_what_comes_to_a_webhook_and_is_not_answered_tells_its_maker_once(visitors: Visitors, scene: Scene):
    hook = await made(scene, scene.member.api, agent_id=scene.agent.id, prompt="Say what failed.", posts=False)
    budget = await set_budget(scene)

    async def unanswered() -> str | None:
        return str((await scene.member.api.get(f"/hooks/{hook['id']}")).raise_for_status().json()["unanswered_reason"])

    for number in range(2):
        (await called(scene, hook, b"{}")).raise_for_status()
        await decided(scene, number + 1)
    (one,) = await told(scene.member.api)
    assert (one["summary"], one["path"]) == (
        "Scout did not answer your webhook “Builds” in Circle", f"/hooks/{hook['id']}",
    )  # fmt: skip
    assert await told(scene.owner) == []
    assert await unanswered() == "budget"
    page = await visitors.visit(f"/hooks/{hook['id']}", scene.member)
    await expect(page.locator("#main .notice")).to_contain_text("Last call: not answered: A budget that Scout spends")
    (await scene.owner.delete(f"/budgets/{budget}")).raise_for_status()
    scene.model.play(Say("All of it."))
    (await called(scene, hook, b"{}")).raise_for_status()
    assert (await scene.ended())["cause"] == "webhook"
    assert await unanswered() == "None"
    await set_budget(scene)
    (await called(scene, hook, b"{}")).raise_for_status()
    await decided(scene, 4)
    assert len(await told(scene.member.api)) == 2
    (await scene.member.api.delete(f"/hooks/{hook['id']}")).raise_for_status()
    assert await told(scene.member.api) == []


@pytest.mark.rule("B11")
async def test_what_one_agent_did_not_answer_is_not_said_of_the_next(scene: Scene):
    api = scene.member.api
    hook = await made(scene, api, agent_id=scene.agent.id, posts=True)
    path = f"/hooks/{hook['id']}"
    other = await scene.server.hire(scene.org, name="Ranger", model_config=THINKS)
    body = {"member_type": "agent", "member_id": other.id}
    (await scene.owner.post(f"/conversations/{scene.circle}/members", json=body)).raise_for_status()

    async def unanswered() -> str | None:
        return str((await api.get(path)).raise_for_status().json()["unanswered_reason"])

    for number, agent in enumerate((scene.agent.id, other.id)):
        await set_budget(scene, agent_id=agent)
        (await called(scene, hook, b"{}")).raise_for_status()
        await decided(scene, number + 1)
        assert await unanswered() == "budget"
        (await api.patch(path, json={"name": "Deploys"})).raise_for_status()
        assert await unanswered() == "budget"
        (await api.patch(path, json={"agent_id": other.id if agent != other.id else None})).raise_for_status()
        assert await unanswered() == "None"
    assert [one["actor"]["name"] for one in await told(api)] == ["Ranger", "Scout"]


@pytest.mark.rule("X12")
async def test_who_is_deactivated_is_still_named_by_what_acted_for_them(scene: Scene, other_org: Org):
    api, name = scene.member.api, scene.member.actor.name
    hook = await made(scene, api, agent_id=scene.agent.id)
    body = {
        "agent_id": scene.agent.id,
        "conversation_id": scene.circle,
        "name": "Round",
        "prompt": "?",
        "cron": "0 9 * * 1",
    }
    schedule = (await api.post("/schedules", json=body)).raise_for_status().json()
    scene.model.play(Say("A heron."))
    await scene.say(f"@{scene.agent.code}?", api)
    run = await scene.ended()

    async def named() -> set[str]:
        paths = {
            f"/hooks/{hook['id']}": "maker",
            f"/schedules/{schedule['id']}": "maker",
            f"/runs/{run['id']}": "author",
        }
        return {(await scene.owner.get(path)).raise_for_status().json()[key]["name"] for path, key in paths.items()}

    async def rests() -> list[tuple[str | None, bool]]:
        paths = (f"/schedules/{schedule['id']}", f"/hooks/{hook['id']}")
        found = [(await scene.owner.get(path)).json() for path in paths]
        return [(one["pause_reason"], bool(one.get("upcoming") or one.get("next_due_at"))) for one in found]

    assert await named() == {name}
    assert await rests() == [(None, True), (None, False)]
    (await scene.owner.put(f"/people/{scene.member.id}/deactivation")).raise_for_status()
    assert await named() == {f"{name} (deactivated)"}
    assert await rests() == [("maker_left", False), ("maker_left", False)]
    browser, _ = await scene.server.browse(scene.org.owner)
    for path in (f"/schedules/{schedule['id']}", "/schedules", f"/hooks/{hook['id']}", "/hooks"):
        page = (await browser.get(f"{scene.server.address}{path}")).text
        assert ("no longer in the organization" in page, "Next:" in page) == (True, False), path
    for org, told in ((scene.org, f"{name} (deactivated)"), (other_org, None)):
        async with scene.server.services.db.transaction(org.owner.actor) as tx:
            assert await tx.value("select former_name(%(id)s)", {"id": scene.member.id}) == told
    (await scene.owner.delete(f"/people/{scene.member.id}/deactivation")).raise_for_status()
    assert await named() == {name}
    assert await rests() == [(None, True), (None, False)]
