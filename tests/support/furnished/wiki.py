"""What the company knows for good: entries, one that was changed, one that waits, a draft."""

from typing import Any

from tests.identity.hall import Member
from tests.support.furnished.company import Company
from tests.support.server import AgentClient

CATEGORIES = ("Roasting", "Cafés", "People", "Decisions")
LOT = """We cup every lot blind, three people, on two mornings. What counts is in [[Cupping sheet]]; prices are in
[[Prices of our lots]].

## Before we cup

- 12 g to 200 ml, water at 94 °C
- the same grinder, cleaned between lots
- nobody says what they think until all have written

## What a lot needs

| | at least |
|---|---|
| score | 86 |
| moisture | 10.5 % |
| price | within 8 % of the list |

> We keep what we would drink ourselves.

## Who decides

Whoever roasts. Mara has the last word where two lots are level, and writes the reason into [[Decisions about lots]].
"""
PRICES = """Per kilo, landed, from the importer's list of this month:

- Sidama, washed: **6.40 €**
- Huila: 6.90 €
- Cerrado: 4.80 €

How we read the list stands in [[How we choose a lot]].
"""
SHEET = """One sheet for each lot and person: fragrance, acidity, body, aftertaste, balance, each from 6 to 10.

Clean cups count double. See [[How we choose a lot]].
"""


async def write_down(company: Company) -> None:
    """Write it; `company.ids` then names an entry and a version that waits."""
    mara, priya = company.org.owner, company.member
    settled = {"settings": {"wiki_categories": list(CATEGORIES)}}
    (await mara.api.patch(f"/organizations/{company.org.id}", json=settled)).raise_for_status()
    lot = await _approved(
        company, priya, title="How we choose a lot", content=LOT, category="Roasting", tags=["lots", "cupping"]
    )
    await _approved(
        company, company.scout, title="Prices of our lots", content=PRICES, category="Roasting", tags=["lots"]
    )
    await _approved(company, mara, title="Cupping sheet", content=SHEET, category="Roasting", tags=["cupping"])
    first = LOT.replace("three people, on two mornings", "two people")
    changed = {"version_id": lot["id"], "content": LOT.replace("at 94 °C", "at 93 °C"), "note": "The new kettle"}
    again = (await priya.api.post(f"/wiki/{lot['entry_id']}/versions", json=changed)).raise_for_status().json()
    await _decided(mara, again)
    for name in (priya, company.admin, company.admin, mara):
        (await name.api.get(f"/wiki/{lot['entry_id']}")).raise_for_status()
    told = {
        "title": "What cafés ask us",
        "content": "Collected from #general.\n\n- How long do beans keep?",
        "category": "Cafés",
    }
    waiting = await _wrote(company.scout, note="From the questions of this month", **told)
    current = (await mara.api.get(f"/wiki/{lot['entry_id']}")).raise_for_status().json()
    change = {"version_id": current["version_id"], "content": first, "note": "Two people are enough"}
    proposed = (
        (await company.admin.api.post(f"/wiki/{lot['entry_id']}/versions", json=change)).raise_for_status().json()
    )
    draft = await _wrote(
        mara, title="Who owns which key", content="The drum room: Mara.", category="People", draft=True
    )
    over = await _approved(company, mara, title="The drum of 2019", content="How it was lit.", category="Roasting")
    (await mara.api.put(f"/wiki/{over['entry_id']}/archive")).raise_for_status()
    company.ids |= {
        "slug": "how-we-choose-a-lot",
        "version_id": proposed["id"],
        "waiting": waiting["id"],
        "draft": draft["id"],
    }


async def _wrote(who: Member | AgentClient, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = (await who.api.post("/wiki", json=fields)).raise_for_status().json()
    return made


async def _approved(company: Company, who: Member | AgentClient, **fields: Any) -> dict[str, Any]:
    return await _decided(company.org.owner, await _wrote(who, **fields))


async def _decided(who: Member, version: dict[str, Any]) -> dict[str, Any]:
    answer = await who.api.post(f"/wiki/versions/{version['id']}/approve", json={})
    made: dict[str, Any] = answer.raise_for_status().json()
    return made
