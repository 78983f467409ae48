"""Approved entries are documents, agents propose within a turn's rights, and what is read is safe."""

import threading
from uuid import UUID

import msgspec
import pytest

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.errors import FORBIDDEN, NOT_FOUND, CrewhallError
from crewhall.kernel.tools import Caller, OnlyParts
from crewhall.knowledge import wiki_markdown
from crewhall.knowledge.tools_wiki import (
    ListWikiEntries,
    ProposeWikiEntry,
    ReadWikiEntry,
    check_proposal,
    list_wiki_entries,
    propose_wiki_entry,
    read_wiki_entry,
)
from crewhall.knowledge.wiki_documents import text_of
from crewhall.knowledge.wiki_markdown import links_of, render_entry
from crewhall.knowledge.wiki_queries import access_version
from tests.identity.hall import Org
from tests.knowledge.test_wiki import approved, decided, edited, wrote
from tests.support.server import Server


class Found(msgspec.Struct):
    """A document with its origin in the wiki."""

    id: UUID
    origin: UUID
    status: str
    name: str
    is_due: bool


async def documents(server: Server, org: Org) -> list[Found]:
    async with server.db.transaction(org.owner.actor) as tx:
        return await tx.all(
            Found,
            """
            select d.id, o.id as origin, d.status, d.name, d.look_at is not null as is_due
            from documents d left join document_origins o on o.document_id = d.id and o.kind = 'wiki'
            where d.org_id = any (current_orgs()) order by d.name
            """,
        )


async def test_an_approved_entry_is_a_document_and_the_version_before_is_none(server: Server, org: Org):
    first = await approved(org, title="Lots", content="See [[Sidama|the washed one]].")
    (before,) = await documents(server, org)
    assert (before.name, before.is_due) == ("Lots.md", True)
    async with server.db.transaction(org.owner.actor) as tx:
        assert await text_of(tx, before.origin) == "# Lots\n\nSee the washed one."
    tagged = (await edited(org.owner, first, tags=["lots"])).raise_for_status().json()
    same = await decided(org.owner, tagged)
    (kept,) = await documents(server, org)
    assert kept.id == before.id  # the same words are not made searchable again
    await decided(org.owner, (await edited(org.owner, same, content="All new.")).raise_for_status().json())
    (after,) = await documents(server, org)
    assert after.id != before.id
    twin = await approved(org, title="Twin", content="Words.")
    (await org.owner.api.put(f"/wiki/{twin['entry_id']}/archive")).raise_for_status()
    assert [one.id for one in await documents(server, org)] == [after.id]
    (await org.owner.api.delete(f"/wiki/{twin['entry_id']}/archive")).raise_for_status()
    assert [one.name for one in await documents(server, org)] == ["Lots.md", "Twin.md"]


async def test_links_of_what_is_approved_are_looked_for_beside_whatever_else_the_process_does(
    server: Server, org: Org, monkeypatch: pytest.MonkeyPatch
):
    threads: list[threading.Thread] = []

    def seen(content: str) -> list[str]:
        threads.append(threading.current_thread())
        return links_of(content)

    monkeypatch.setattr(wiki_markdown, "links_of", seen)
    await approved(org, title="Lots", content="See [[Sidama]].")
    assert threads
    assert threading.current_thread() not in threads


async def acting(server: Server, org: Org, *behalf: Actor) -> Caller:
    agent = await server.hire(org)
    actor = Actor(type=ActorType.AGENT, id=UUID(agent.id), org_id=org.id, name="Scout", behalf=behalf)
    return Caller(db=server.db, actor=actor, parts=OnlyParts(), here=None)


@pytest.mark.rule("D9", "X11")
async def test_an_agent_reads_and_proposes_with_the_rights_of_those_it_acts_for(server: Server, org: Org):
    member = await org.add()
    made = await approved(org, title="Lots", content="Sidama.")
    caller = await acting(server, org, member.actor)
    found = await list_wiki_entries(caller, ListWikiEntries(query="sidama"))
    assert [one.title for one in found.entries] == ["Lots"]
    read = await read_wiki_entry(caller, ReadWikiEntry(name="lots"))
    change = ProposeWikiEntry(title="Lots", content="Sidama, washed.", version_id=read.version_id)
    proposed = await propose_wiki_entry(caller, change)
    assert (proposed.status, proposed.slug) == ("pending_approval", made["slug"])
    gone = msgspec.structs.replace(member.actor, role=None)
    alone = await acting(server, org, gone)
    for refused in (propose_wiki_entry(alone, change), list_wiki_entries(alone, ListWikiEntries())):
        with pytest.raises(CrewhallError) as caught:
            await refused
        assert caught.value.kind is FORBIDDEN
    async with server.db.transaction(alone.actor) as tx:
        with pytest.raises(CrewhallError):
            await check_proposal(tx, alone.actor, change)


async def test_in_a_turn_an_agent_shows_nobody_its_drafts(server: Server, org: Org):
    member, caller = await org.add(), await acting(server, org)
    draft = await wrote(await server.hire(org), title="Mine", draft=True)
    own = msgspec.structs.replace(caller.actor, id=UUID(draft["author"]["id"]))
    async with server.db.transaction(msgspec.structs.replace(own, behalf=(member.actor,))) as tx:
        with pytest.raises(CrewhallError) as caught:
            await access_version(tx, msgspec.structs.replace(own, behalf=(member.actor,)), UUID(draft["id"]))
        assert caught.value.kind is NOT_FOUND


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("[a](javascript:alert(1))", "href"),
        ("[a](/logout)", "href"),
        ("![a](https://elsewhere.example/a.png)", "<img"),
        ("[[<img src=x onerror=alert(1)>]]", "<img"),
        ('[[" onmouseover="alert(1)|x]]', 'onmouseover="'),
        ("# <a id=x>", "<a "),
    ],
)
def test_what_is_read_is_safe(text: str, never: str):
    assert never not in render_entry(text, {}).html


def test_links_in_code_are_none_and_too_much_is_shown_as_it_is():
    assert render_entry("`[[a]]`\n\n    [[b]]\n\n[[C d]]").links == ["c-d"]
    assert render_entry("*" * 30_000).html.startswith("<pre>")
    assert render_entry("# A\n\n# A").headings[1].anchor == "at-a-2"
