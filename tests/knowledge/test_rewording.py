"""Another language of search: what documents and the wiki are found by is written anew behind the searches' backs."""

from typing import Any

import pytest

from crewhall.kernel.ids import new_id
from tests.identity.hall import Hall, Org
from tests.knowledge.library import keep, search
from tests.knowledge.test_wiki import approved
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.waiting import until

FOUND = "select count(*) from chunks where vector @@ to_tsquery('german', 'gelaufene')"


async def found_entries(org: Org, q: str) -> list[str]:
    """The titles of the wiki's entries that are found."""
    answer = (await org.owner.api.get("/wiki", params={"q": q})).raise_for_status().json()
    return [one["title"] for one in answer["items"]]


async def rewriting(org: Org) -> dict[str, Any] | None:
    """How far the index is written anew."""
    status: dict[str, Any] = (await org.owner.api.get("/knowledge/status")).raise_for_status().json()
    found: dict[str, Any] | None = status["rewriting"]
    return found


async def turn_to(org: Org, language: str) -> None:
    """Search in another language from now on."""
    changed = await org.owner.api.patch(f"/organizations/{org.id}", json={"search_language": language})
    changed.raise_for_status()


@pytest.mark.rule("X6")
async def test_documents_and_the_wiki_are_found_by_the_words_of_another_language(server: Server, org: Org):
    await keep(server, org, await server.general(org), "Obst", "Die gelaufenen Wege.", "Kein Weg.")
    await approved(org, title="Wege", content="Die gelaufenen Wege.")

    async def words() -> int:
        async with server.db.transaction(org.owner.actor) as tx:
            return int(await tx.value(FOUND))

    assert (await words(), await found_entries(org, '"gelaufene"')) == (0, [])
    await turn_to(org, "german")

    async def is_through() -> bool:
        return await rewriting(org) is None

    await until(is_through)
    assert (await words(), await found_entries(org, '"gelaufene"')) == (1, ["Wege"])
    assert len(await search(org.owner, '"gelaufene"', kinds="file")) > 0


ROWS = """
with document as (
    insert into documents (id, org_id, sha256, media_type, name, size, status, chunks, ready_at)
    values (%(id)s, %(org)s, sha256('x'), 'text/plain', 'x', 1, 'ready', 7, now()))
insert into chunks (id, org_id, document_id, position, content, starts, ends, vector)
select gen_random_uuid(), %(org)s, %(id)s, n, 'Die gelaufenen Wege', 0, 1,
       chunk_vector('english', null, '{}', 'Die gelaufenen Wege')
from generate_series(0, 6) n
"""


async def test_what_was_rewritten_stays_and_only_one_is_at_it(cluster: SharedCluster, worker_id: str):
    """Without a server, whose own worker would be quicker."""
    async with Hall(cluster.clone(f"rewording_{worker_id}").app) as hall:
        orgs = [await hall.make_org(name) for name in ("One", "Two")]
        for org in orgs:
            async with hall.db.transaction(org.owner.actor) as tx:
                await tx.run(ROWS, {"id": new_id(), "org": org.id})
                await tx.run("update organizations set search_language = 'german' where id = %(org)s", {"org": org.id})

        async def step() -> Any:
            async with hall.db.transaction(None) as tx:
                return await tx.value("select rewrite_knowledge(3)")

        async def german(org: Org) -> int:
            async with hall.db.transaction(org.owner.actor) as tx:
                return int(
                    await tx.value("select count(*) from chunks where vector @@ to_tsquery('german', 'gelaufene')")
                )

        first, second = orgs
        assert (await step(), await german(first)) == (3, 0), "the wiki, which has nothing, is first"
        with pytest.raises(RuntimeError):
            async with hall.db.transaction(None) as tx:
                assert await tx.value("select rewrite_knowledge(3)") == 3
                assert await step() == 3, "another organization is open to others"
                assert await step() == 3
                async with hall.db.transaction(None) as other:
                    assert await other.value("select rewrite_knowledge(3)") == 3
                    assert await step() is None, "somebody is at each of them"
                raise RuntimeError("killed")
        assert (await german(first), await german(second)) == (0, 6), "what was not finished is not there"
        while await step():
            pass
        assert (await german(first), await german(second)) == (7, 7)
