"""What the company set up: schedules, webhooks, budgets, a lent agent, an import, an app; and what waits."""

from datetime import timedelta
from typing import LiteralString
from uuid import UUID

import httpx
import msgspec
from psycopg.types.json import Jsonb

from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.notifications.unsubscribing import unsubscribe_token
from crewhall.runtime.offers import Offer
from tests.apps.asking import registered
from tests.documents.ground import read_now
from tests.files.making import post, sent
from tests.imports.exports import ADA, BOB, packed, said, workspace
from tests.knowledge.lending import cite_lent
from tests.support.furnished.company import Company
from tests.support.furnished.measured import measure
from tests.support.furnished.projects import plan_work
from tests.support.furnished.repository import link_shop
from tests.support.furnished.sessions import work_on
from tests.support.furnished.timeline import happen
from tests.support.furnished.wiki import write_down
from tests.support.waiting import until

OFFERED: LiteralString = """
with server as (insert into tool_servers (id, org_id, name, url, listed_at)
                values (%(server)s, %(org)s, 'tracker', 'https://tracker.larkfield.example/mcp', now()))
insert into server_tools (org_id, server_id, tool, name, offered, digest)
values (%(org)s, %(server)s, 'list_orders', 'mcp-tracker-list-orders', %(offer)s, 'd')
"""
AT_KAFKA: LiteralString = """
insert into agent_topics (id, org_id, agent_id, inbox_id, state, fed_seq, fed_at, heard_at)
select '019a5b0e-0f3c-7a51-9d57-5c0ffee0c0de', org_id, owner_agent_id, id, 'ready', 1000, now(), now()
from conversations where owner_agent_id = %(agent)s and kind = 'agent'
"""
WEBHOOK = "https://agents.larkfield.example/ledger"
TASKS = (
    ("📈", "Prices of today", "What do our three lots cost us today?"),
    ("📦", "Orders of the week", "Which cafés have not ordered yet this week?"),
)


MANUAL = """# The drum roaster

Twelve kilos at most. The drum turns before the burner is lit, and until the beans are out.

## Before the first batch

- Empty the chaff drawer; a full one catches fire.
- Let the drum reach 190 °C, and hold it there for twenty minutes.
- Check that the airflow stands at two.

## Profiles

| lot | charge | first crack | drop |
|---|---|---|---|
| Sidama | 195 °C | 8:40 | 205 °C |
| Huila | 200 °C | 9:10 | 208 °C |
| Mantiqueira | 190 °C | 8:20 | 212 °C |

Sidama wants little heat after first crack: lower the burner to thirty percent and open the airflow to three.

## When it smokes

Close the burner, leave the drum turning, and open the airflow wholly. Never open the door: air feeds the fire. Tell the
fire brigade if the chaff drawer glows.
"""


MILK = """## Steaming

Begin with cold milk, and let in air for three seconds, no longer: until it is warm as a hand. Then sink the tip and let
the milk turn, to 62 °C. Hotter than that it tastes of nothing but heat.

- Whole milk holds its foam for five minutes, oat milk for two.
- What was steamed once is not steamed again.
"""


async def equip(company: Company) -> None:
    """Set everything up; `company.ids` then names it."""
    for one in (
        _words, _agents, _causes, _money, _organization, _guests, _tool_server, _github, write_down, plan_work,
        link_shop, happen, measure, work_on,
    ):  # fmt: skip
        await one(company)


async def _made(api: httpx.AsyncClient, path: str, **body: object) -> str:
    """Make something; its id."""
    return str((await api.post(path, json=body)).raise_for_status().json()["id"])


async def _words(company: Company) -> None:
    """What is begun, planned, told and archived."""
    mara, general = company.org.owner.api, company.talk.general
    due = (utc_now() + timedelta(days=1)).isoformat()
    planned = {"conversation_id": general, "content": "The letter to the cafés goes out today.", "due_at": due}
    company.ids["document_id"] = await _manual(company)
    company.ids["later_id"] = await _made(mara, "/later", **planned)
    begun = {"content": "Dear all, from March on our spring blend"}
    (await mara.put(f"/conversations/{general}/draft", json=begun)).raise_for_status()
    told = (await mara.get("/notifications")).raise_for_status().json()["items"]
    company.ids["notification_id"] = told[0]["id"]
    company.ids["run_id"] = (await mara.get("/runs", params={"status": "succeeded"})).json()["items"][0]["id"]
    company.ids["approval_id"] = (await mara.get("/approvals")).json()["items"][0]["id"]
    over = await _made(mara, "/conversations", kind="group", title="Christmas market 2025", members=[])
    (await mara.put(f"/conversations/{over}/archive")).raise_for_status()


async def _agents(company: Company) -> None:
    """A fork with words of its own, quick tasks, a webhook, a loan."""
    mara, scout, ledger = company.org.owner.api, company.scout, company.ledger
    fork = await _made(mara, f"/agents/{scout.id}/fork", name="Scout for cafés")
    changed = {
        "instructions": "You look things up for our cafés.\nAnswer in a few lines.\nWrite as one writes to guests."
    }
    (await mara.patch(f"/agents/{fork}", json=changed)).raise_for_status()
    company.ids["fork"] = fork
    for icon, title, asked in TASKS:
        task = {"title": title, "prompt": asked, "icon": icon, "category": "daily"}
        company.ids["task_id"] = await _made(mara, f"/agents/{scout.id}/quick-tasks", **task)
    manual = {"name": "Drum roaster.md"}
    kept = await mara.post(f"/agents/{scout.id}/knowledge/files", params=manual, content=MANUAL.encode())
    company.ids["source_id"] = str(kept.raise_for_status().json()["id"])
    handbook = {"type": "url", "path": "https://handbook.larkfield.example/roasting/", "name": "Roasting handbook"}
    again = {"config": {"depth": 2}, "cron": "0 6 * * *", "timezone": "Europe/Berlin", "enabled": False}
    (await mara.post(f"/agents/{scout.id}/knowledge", json=handbook | again)).raise_for_status()
    (await mara.post(f"/agents/{ledger.id}/runtime", json={"base_url": WEBHOOK})).raise_for_status()
    async with company.server.db.transaction(company.org.owner.actor) as tx:  # as if Kafka had made them
        await tx.run(AT_KAFKA, {"agent": scout.id})
    lent = (await mara.post(f"/agents/{scout.id}/grants", json={"knowledge": True})).raise_for_status().json()
    cafe = await company.server.make_org("Harbour Café")
    borrowed = {"code": lent["code"], "name": "Larkfield's Scout"}
    (await cafe.owner.api.post("/grants/accept", json=borrowed)).raise_for_status()
    company.ids["grant_id"] = lent["grant"]["id"]
    company.ids["chunk_id"] = await cite_lent(company.server, cafe, company.org, "Barista", "Milk", MILK)


async def _causes(company: Company) -> None:
    """What sets agents off: the clock, and other services."""
    mara, scout = company.org.owner.api, company.scout
    morning = {"agent_id": scout.id, "name": "Prices in the morning", "prompt": "What do our lots cost us today?"}
    where = {"conversation_id": company.talk.general, "cron": "0 7 * * 1-5", "timezone": "Europe/Berlin"}
    company.ids["schedule_id"] = await _made(mara, "/schedules", **morning, **where)
    orders = {"conversation_id": company.talk.general, "name": "Web shop", "agent_id": scout.id}
    company.ids["hook_id"] = await _made(mara, "/hooks", **orders, prompt="Sum up the order.")


async def _money(company: Company) -> None:
    """What may be spent."""
    mara, scout = company.org.owner.api, company.scout
    company.ids["budget_id"] = await _made(mara, "/budgets", agent_id=scout.id, money_limit="40", currency="USD")
    await _made(mara, "/budgets", token_limit=2_000_000)


async def _organization(company: Company) -> None:
    """People who are asked, a look of its own, what was brought from elsewhere."""
    org, mara = company.org, company.org.owner.api
    invited = (
        await mara.post("/invitations", json={"email": f"lea@{org.owner.email.partition('@')[2]}"})
    ).raise_for_status()
    company.ids["invitation"] = invited.json()["token"]
    words = [said(1, ADA, "Has the new drum come?"), said(2, BOB, "On Monday."), said(3, BOB, "", subtype="bot_add")]
    archive = packed(workspace(org.owner.email, workshop=words))
    brought = await mara.post("/imports", params={"name": "slack-export.zip"}, content=archive)
    company.ids["import_id"] = brought.raise_for_status().json()["id"]
    await until(lambda: _is_looked_through(mara, company.ids["import_id"]))


async def _is_looked_through(api: httpx.AsyncClient, import_id: str) -> bool:
    found = (await api.get(f"/imports/{import_id}")).raise_for_status().json()
    return bool(found["status"] == "ready")


async def _guests(company: Company) -> None:
    """Where mails and apps lead to."""
    server, org = company.server, company.org
    async with server.db.transaction(org.owner.actor) as tx:
        company.ids["token"] = await unsubscribe_token(tx, org.id, UUID(str(org.owner.id)))
    app = await registered(server, server.client(), client_name="My editor")
    company.ids["app"] = app.asks().removeprefix(server.address)


async def _tool_server(company: Company) -> None:
    """A tool server that offers a tool, which nobody has accepted yet."""
    org = company.org
    offer = Offer(tool="list_orders", description="List the open orders of a café.")
    async with company.server.db.transaction(org.owner.actor) as tx:
        await tx.run(OFFERED, {"org": org.id, "server": new_id(), "offer": Jsonb(msgspec.to_builtins(offer))})


MIRRORED = (
    ("roastery/shop", "synced", None),
    ("roastery/old-shop", "failed", "GitHub answered 404: Not Found."),
)


async def _github(company: Company) -> None:
    """A connection to GitHub, and two repositories: one that was read, one that GitHub lets nobody read."""
    org = company.org
    made = (await org.owner.api.post("/github/connections", json={"token": "ghp_of_nobody"})).raise_for_status().json()
    async with company.server.db.transaction(org.owner.actor) as tx:
        await tx.run("update github_connections set answered = 'roastery-bot', checked_at = now()")
        for name, state, problem in MIRRORED:
            await tx.run(
                "insert into github_repositories (id, org_id, connection_id, full_name, state, problem, synced_at) "
                "values (%(id)s, %(org)s, %(connection)s, %(name)s, %(state)s, %(problem)s, now())",
                {
                    "id": new_id(), "org": org.id, "connection": made["id"], "name": name, "state": state,
                    "problem": problem,
                },
            )  # fmt: skip


async def _manual(company: Company) -> str:
    """A manual in a channel, made searchable."""
    server, org = company.server, company.org
    places = (await org.owner.api.get("/conversations", params={"kind": "channel"})).raise_for_status().json()["items"]
    roasting = next(str(one["id"]) for one in places if one["name"] == "roasting")
    manual = await sent(org.owner, roasting, MANUAL.encode(), "drum-roaster-manual.md")
    await post(org.owner, roasting, manual, content="The manual of the new drum. Ask before you change the airflow.")
    shown = (await org.owner.api.get(f"/files/{manual['id']}")).raise_for_status().json()
    await read_now(server, org, shown["document"]["id"])
    return str(shown["document"]["id"])
