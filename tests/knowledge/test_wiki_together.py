"""Several at once: one of two decides, one of two names is taken; and searches go by their index."""

import asyncio
from collections.abc import Awaitable

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.identity.hall import Org
from tests.knowledge.test_wiki import approved, edited, wrote
from tests.support.database import SharedCluster
from tests.support.server import Server


async def statuses(*asked: Awaitable[httpx.Response]) -> list[int]:
    answers = await asyncio.gather(*asked)
    return sorted(answer.status_code for answer in answers)


@pytest.mark.rule("D9")
async def test_one_of_two_decides(org: Org):
    admin = await org.add("admin")
    waiting = await wrote(org.owner)
    path = f"/wiki/versions/{waiting['id']}"
    assert await statuses(
        org.owner.api.post(f"{path}/approve", json={}), admin.api.post(f"{path}/reject", json={"reason": "No."})
    ) == [200, 409]
    history = (await org.owner.api.get(f"/wiki/{waiting['entry_id']}/versions")).json()["items"]
    assert len(history) == 2


async def test_of_two_proposals_the_second_has_to_look_at_the_first(org: Org):
    ada, bob = await org.add(), await org.add()
    first = await approved(org)
    one = (await edited(ada, first, content="By Ada.")).json()
    other = (await edited(bob, first, content="By Bob.")).json()
    paths = [f"/wiki/versions/{version['id']}/approve" for version in (one, other)]
    assert await statuses(*(org.owner.api.post(path, json={}) for path in paths)) == [200, 409]


async def test_one_of_two_takes_a_name(org: Org):
    body = {"title": "Twice", "content": "Words."}
    assert await statuses(*(org.owner.api.post("/wiki", json=body) for _ in range(2))) == [201, 409]


async def test_readers_count_beside_one_another(org: Org):
    made = await approved(org)
    read = [org.owner.api.get(f"/wiki/{made['entry_id']}") for _ in range(12)]
    assert await statuses(*read) == [200] * 12
    assert (await org.owner.api.get("/wiki", params={"order": "read"})).json()["items"][0]["views"] == 12


@pytest.mark.rule("B1")
def test_searches_go_by_their_index(server: Server, cluster: SharedCluster, worker_id: str):
    """Forced row-level security keeps the application from it; the function that searches is past that."""
    wanted = "select entry_id from wiki_heads h where h.vector @@ to_tsquery('sidama')"
    plans = {}
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        connection.execute("set enable_seqscan = off")
        for role in ("crewhall_definer", "crewhall_app"):
            connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
            plan = connection.execute("explain " + wanted).fetchall()
            plans[role] = "wiki_heads_vector" in str(plan)
            connection.execute("reset role")
        body = connection.execute("select prosecdef, prosrc from pg_proc where proname = 'search_entries'").fetchone()
    assert plans == {"crewhall_definer": True, "crewhall_app": False}
    assert body is not None
    assert body[0]
    assert "h.vector @@ wanted and h.org_id = (current_orgs())[1]" in body[1]
