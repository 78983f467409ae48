"""Prices, budgets and usage through the API, the client and the pages: who may, what is shown, what is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import expect

from crewhall.agents.templates import plant_templates
from crewhall.identity import InstallationSeeded
from crewhall.sdk import Client, CrewhallApiError
from tests.cli.conftest import QuickCli
from tests.identity.hall import Org
from tests.support.openai import MODEL, Say
from tests.support.server import Server, token_of
from tests.support.waiting import until
from tests.turns_faces.scene import Scene
from tests.web.browser import Visitors
from tests.web.judging import PHONE_DARK, WIDE_LIGHT, check

PRICE = {"provider": "scripted", "model": MODEL, "input_price": "1000", "output_price": "2000"}
SPENT = Say("A heron.", tokens=(100, 50))
"""At PRICE it costs 0.20 dollars."""


async def spent(scene: Scene) -> dict[str, Any]:
    """A turn that cost 0.20 dollars."""
    (await scene.owner.post("/prices", json=PRICE)).raise_for_status()
    return await scene.asked(SPENT)


async def items(api: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get(path, params=query)).raise_for_status().json()["items"]
    return found


@pytest.mark.rule("X9")
@pytest.mark.rule("C9")
async def test_usage_is_shown_to_those_whose_conversations_it_is(scene: Scene, other_org: Org):
    run = await spent(scene)
    assert (run["cost"], run["currency"], run["cached_tokens"]) == ("0.200000", "USD", 0)
    assert [step["cost"] for step in await scene.steps(run["id"]) if step["cost"]] == ["0.200000"]
    direct = (
        await scene.admin.api.post(
            "/conversations",
            json={
                "kind": "group",
                "title": "Apart",
                "members": [{"member_type": "agent", "member_id": scene.agent.id}],
            },
        )
    ).json()["id"]
    scene.model.play(SPENT)
    content = {"content": f"@{scene.agent.code} and this?"}
    (await scene.admin.api.post(f"/conversations/{direct}/messages", json=content)).raise_for_status()

    async def is_metered() -> bool:
        found = await items(scene.admin.api, "/usage", span="month")
        return bool(found) and found[0]["requests"] == 2

    await until(is_metered)
    (total,) = await items(scene.owner, "/usage", span="hour")
    assert (total["cost"], total["runs"], total["input_tokens"]) == ({"USD": "0.400000"}, 2, 200)
    named = await items(scene.owner, "/usage", group="conversation")
    assert {row["conversation"] and row["conversation"]["title"] for row in named} == {"Circle", None}
    (own,) = await items(scene.member.api, "/usage", group="agent")
    assert (own["cost"], own["agent"]["code"]) == ({"USD": "0.200000"}, scene.agent.code)
    for nobody in (scene.stranger.api, other_org.owner.api):
        assert await items(nobody, "/usage") == []
        refused = await nobody.get("/usage", params={"conversation": scene.circle})
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    pages = await scene.owner.get("/usage", params={"group": "conversation", "limit": 1})
    rest = await items(scene.owner, "/usage", group="conversation", limit=1, after=pages.json()["next"])
    assert [*pages.json()["items"], *rest] == named


@pytest.mark.rule("C9")
@pytest.mark.rule("C10")
async def test_owners_and_admins_set_budgets_and_others_are_refused(scene: Scene, other_org: Org):
    body = {"conversation_id": scene.circle, "period": "day", "money_limit": "1.5"}
    for nobody in (scene.member.api, scene.agent.api):
        refused = await nobody.post("/budgets", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert (await nobody.post("/prices", json=PRICE)).status_code == 403
    made = (await scene.owner.post("/budgets", json=body)).raise_for_status().json()
    assert (made["money_limit"], made["currency"], made["standing"]["spent_money"]) == ("1.500000", "USD", "0.000000")
    for alien in (other_org.owner.api, scene.stranger.api):
        assert (await alien.get(f"/budgets/{made['id']}")).status_code == 404
    assert [one["id"] for one in await items(scene.member.api, "/budgets")] == [made["id"]]
    changed = await scene.owner.patch(f"/budgets/{made['id']}", json={"money_limit": None, "run_limit": 3})
    assert (changed.json()["money_limit"], changed.json()["currency"], changed.json()["run_limit"]) == (None, None, 3)
    for empty in ({"run_limit": None}, {"currency": "EUR"}, {"money_limit": "0.0000001"}, {"money_limit": "-1"}):
        refused = await scene.owner.patch(f"/budgets/{made['id']}", json=empty)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert (await scene.member.api.delete(f"/budgets/{made['id']}")).status_code == 403
    (await scene.owner.delete(f"/budgets/{made['id']}")).raise_for_status()
    assert (await scene.owner.get(f"/budgets/{made['id']}")).status_code == 404
    acts = [one["summary"] for one in await items(scene.owner, "/audit") if one["resource_type"] == "budget"]
    assert len(acts) == 3
    assert "set a hard budget of 1.50 USD (Circle, per day)" in acts[-1]


@pytest.mark.rule("C9")
async def test_prices_are_the_organizations_own_before_those_that_came(scene: Scene, other_org: Org):
    shipped = await items(scene.owner, "/prices", q="openai:gpt-4o")
    assert shipped
    assert all(one["is_shipped"] and "2026-11-22" in one["source"] for one in shipped)
    assert (await scene.owner.delete(f"/prices/{shipped[0]['id']}")).json()["code"] == "conflict"
    own = {**PRICE, "provider": "openai", "model": "gpt-4o", "currency": "EUR"}
    made = (await scene.owner.post("/prices", json=own)).raise_for_status().json()
    assert (made["cached_price"], made["is_shipped"]) == ("1000.000000", False)
    assert [one["id"] for one in await items(scene.owner, "/prices", own=True)] == [made["id"]]
    assert await items(other_org.owner.api, "/prices", own=True) == []
    assert (await other_org.owner.api.delete(f"/prices/{made['id']}")).status_code == 404
    first = (await scene.owner.get("/prices", params={"limit": 2})).json()
    following = await items(scene.owner, "/prices", limit=2, after=first["next"])
    assert first["items"][0]["id"] == made["id"]
    assert not {one["id"] for one in first["items"]} & {one["id"] for one in following}
    (await scene.owner.delete(f"/prices/{made['id']}")).raise_for_status()
    assert await items(scene.owner, "/prices", own=True) == []
    assert (await scene.owner.get(f"/prices/{made['id']}")).json()["withdrawn_at"]


async def test_the_client_sets_limits_and_reads_what_was_used(scene: Scene, server: Server):
    await spent(scene)
    async with Client(server.address, token=token_of(scene.owner)) as client:
        made = await client.budgets.set(agent_id=scene.agent.id, money_limit=Decimal("1.25"), period="total")
        assert made.standing.spent_money == Decimal("0.2")
        changed = await client.budgets.change(made.id, token_limit=150)
        assert changed.is_used_up
        assert [one.id async for one in client.budgets.list(agent_id=scene.agent.id)] == [made.id]
        (day,) = [row async for row in client.budgets.usage(group="agent", since=datetime.now(UTC))]
        assert (day.cost, day.agent and day.agent.code) == ({"USD": Decimal("0.2")}, scene.agent.code)
        price = await client.budgets.set_price("gateway", "qwen*", input_price="0.1", output_price="0.2")
        assert price.id in [one.id async for one in client.budgets.prices(own=True)]
        await client.budgets.withdraw_price(price.id)
        await client.budgets.remove(made.id)
        with pytest.raises(CrewhallApiError, match="no such budget"):
            await client.budgets.get(made.id)


async def test_the_command_line_sets_budgets_prices_and_limits(scene: Scene, server: Server, tmp_path: Path):
    terminal = QuickCli(tmp_path, server.address, CREWHALL_TOKEN=token_of(scene.owner))
    await spent(scene)
    made = await terminal.ok("budget", "set", "--agent", scene.agent.code, "--per", "day", "--money", "0.25")
    shown = await terminal.run("budget", "list")
    assert "0.20 of 0.25 USD" in shown.out
    await terminal.run("budget", "change", made["id"], "--money", "0.2", "--soft")
    (one,) = await terminal.ok("budget", "list", "--agent", scene.agent.code)
    assert (one["strictness"], one["is_used_up"]) == ("soft", True)
    usage = await terminal.run("usage", "--by", "agent")
    assert f"@{scene.agent.code}" in usage.out
    assert "0.2 USD" in usage.out
    priced = await terminal.ok("budget", "price", "gateway:owl*", "--read", "0.1", "--written", "0.2")
    assert "gateway:owl*" in (await terminal.run("budget", "prices", "owl", "--own")).out
    assert (await terminal.run("budget", "withdraw-price", priced["id"])).code == 0
    assert (await terminal.run("budget", "rate", "sales", "--minute", "7")).code == 0
    async with server.db.transaction(None) as tx:
        await plant_templates(tx, scene.member.actor, InstallationSeeded(UUID(int=0)))
    assert "Approvals clerk" in (await terminal.run("budget", "rates")).out
    (sales,) = [rate for rate in await terminal.ok("budget", "rates") if rate["agent_kind"] == "sales"]
    assert (sales["per_minute"], sales["is_default"]) == (7, False)
    assert (await terminal.run("budget", "rate", "sales", "--reset")).code == 0
    assert (await terminal.run("budget", "remove", made["id"])).code == 0
    assert "no such budget" in (await terminal.run("budget", "remove", made["id"])).err


@pytest.mark.rule("C9")
async def test_budgets_are_set_and_seen_on_pages(visitors: Visitors, scene: Scene):
    run = await spent(scene)
    visitors.tolerated = ("422",)
    page = await visitors.visit("/budgets", scene.org.owner, **WIDE_LIGHT)
    await expect(page.get_by_label("Kind", exact=True)).to_contain_text("Approvals clerk")
    await page.get_by_label("Money", exact=True).last.fill("0.1")
    await page.get_by_role("button", name="Set the budget").click()
    await expect(page.get_by_role("alert")).to_contain_text("used up already")
    await page.get_by_role("button", name="Set it all the same").click()
    await expect(page.locator(".row.budget")).to_contain_text("0.20 USD of 0.10 USD")
    await check(page, "budgets")
    await page.goto(f"/c/{scene.circle}")
    await page.locator(".stream crew-composer textarea").fill(f"@{scene.agent.code} again?")
    await expect(page.locator(".stream [data-wakes]")).to_contain_text("budget")
    for path in ("/usage", f"/usage?conversation={scene.circle}&span=hour", "/prices", f"/runs/{run['id']}"):
        await page.goto(path)
        await check(page, path)
    await expect(page.locator(".stats")).to_contain_text("0.20 USD")
    small = await visitors.visit("/usage?span=month", scene.member, **PHONE_DARK)
    await check(small, "usage")
    await expect(small.locator(".chart").first).to_have_attribute("aria-label", "Money: 0.20 USD in all; most in "
        f"{datetime.now(UTC):%B %Y}: 0.20 USD.")  # fmt: skip
    await small.goto("/budgets")
    await expect(small.get_by_role("button", name="Set the budget")).to_have_count(0)
    await page.goto("/budgets")
    await page.locator(".row.budget a.title").click()
    await page.get_by_role("button", name="Take away").first.click()
    await page.locator("dialog[open]").get_by_role("button", name="Take away").click()
    await expect(page.get_by_role("heading", name="No budgets")).to_be_visible()
