"""Search over files and messages: by words and by meaning, within reach, narrowed, shown."""

import asyncio

import pytest

from crewhall.kernel.errors import UNAVAILABLE
from crewhall.knowledge import KnowledgeSearch
from crewhall.ports.embedder import WordEmbedder
from crewhall.ports.reranker import WordReranker
from tests.conversations.ways import caught_up, group
from tests.conversations.ways import post as say
from tests.identity.hall import Org
from tests.knowledge.library import keep, search, texts
from tests.support.server import Server

CHAIN = "Put the chain back on the smallest sprocket, then turn the pedals slowly."
TYRE = "Press the tyre onto the rim by hand; levers may pinch the tube."
LIGHT = "The lamp is charged by USB for three hours before its first ride."


@pytest.mark.rule("X6")
async def test_files_are_found_by_words_and_by_meaning(server: Server, org: Org):
    general = await server.general(org)
    document, chunks = await keep(server, org, general, "Manual", CHAIN, TYRE, LIGHT, heading=("Care",))
    assert (await texts(org.owner, "sprocket"))[0] == CHAIN
    assert (await texts(org.owner, "battery of the headlight is empty"))[0] == LIGHT
    assert (await texts(org.owner, "how do I fit a new wheel rubber"))[0] == TYRE
    first = (await search(org.owner, "sprock"))[0]
    assert (first["id"], first["document_id"], first["page"], first["heading"]) == (
        str(chunks[0]), str(document), 1, ["Care"],
    )  # fmt: skip
    assert "<mark>sprocket</mark>" in first["snippet"]
    assert (first["title"], first["where"], first["kind"]) == ("Manual", "page 1, Care", "file")
    assert first["url"] == f"/documents/{document}?chunk={chunks[0]}#chunk-{chunks[0]}"
    assert first["conversation"]["name"] == "general"


@pytest.mark.rule("X6")
async def test_messages_and_files_stand_in_one_list(server: Server, org: Org):
    general = await server.general(org)
    await keep(server, org, general, "Manual", CHAIN)
    await say(org.owner, general, "who broke the sprocket of the red one?")
    await caught_up(server.db, "search")
    found = await search(org.owner, "sprocket")
    assert [one["kind"] for one in found] == ["file", "message"]
    assert found[1]["url"].startswith(f"/c/{general}?at=")
    assert [one["kind"] for one in await search(org.owner, "sprocket", kinds="message")] == ["message"]
    assert [one["kind"] for one in await search(org.owner, "sprocket", kinds="file,wiki")] == ["file"]
    loosely = await search(org.owner, "what became of that sprocket, is it still broken?")
    assert [one["kind"] for one in loosely] == ["file", "message"]


@pytest.mark.rule("B1")
@pytest.mark.rule("B10")
async def test_nothing_out_of_reach_is_found(server: Server, org: Org, other_org: Org):
    circle, ada, agent = await group(org.owner), await org.add(), await server.hire(org)
    await keep(server, org, circle, "Secret", CHAIN)
    theirs, _ = await keep(server, other_org, await server.general(other_org), "Theirs", CHAIN)
    assert await texts(org.owner, "sprocket") == [CHAIN]
    for somebody in (ada, agent):
        assert await texts(somebody, "sprocket") == await texts(somebody, "pedals and gears of a bicycle") == []
    assert str(theirs) not in {one["document_id"] for one in await search(org.owner, "sprocket")}
    assert (await server.client().get("/knowledge/search", params={"q": "sprocket"})).status_code == 401
    (
        await org.owner.api.post(
            f"/conversations/{circle}/members", json={"member_type": "user", "member_id": str(ada.id)}
        )
    ).raise_for_status()
    assert await texts(ada, "sprocket") == [CHAIN]
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{ada.id}")).raise_for_status()
    assert await texts(ada, "sprocket") == []


async def test_a_file_whose_message_was_deleted_is_not_found(server: Server, org: Org):
    general = await server.general(org)
    await keep(server, org, general, "Manual", CHAIN)
    page = (await org.owner.api.get(f"/conversations/{general}/messages")).json()["items"]
    (await org.owner.api.delete(f"/conversations/{general}/messages/{page[-1]['id']}")).raise_for_status()
    assert await texts(org.owner, "sprocket") == []


async def test_a_search_is_narrowed(server: Server, org: Org):
    general, circle = await server.general(org), await group(org.owner)
    manual, _ = await keep(server, org, general, "Manual", CHAIN)
    await keep(server, org, circle, "Note", "A sprocket is on order.", media_type="text/plain")
    assert await texts(org.owner, "sprocket", conversation=circle) == ["A sprocket is on order."]
    assert await texts(org.owner, "sprocket in:general") == [CHAIN]
    assert await texts(org.owner, "sprocket", document=str(manual)) == [CHAIN]
    assert await texts(org.owner, "sprocket", media_type="text/plain") == ["A sprocket is on order."]
    assert await texts(org.owner, "sprocket", until="2020-01-01T00:00:00Z") == []
    assert await texts(org.owner, "sprocket before:2020") == []
    assert len(await texts(org.owner, "sprocket", since="2020-01-01T00:00:00Z")) == 2
    for nobodys in ("source", "agent"):
        assert await texts(org.owner, "sprocket", **{nobodys: str(manual)}) == []
    assert "-order" not in await texts(org.owner, "sprocket -order", kinds="file")


@pytest.mark.parametrize(("params", "status"), [
    ({"q": " "}, 422), ({"q": "x" * 1001}, 422), ({"q": "a\0b"}, 422), ({"q": "x", "kinds": "tasks"}, 422),
    ({"q": "x", "limit": 40, "offset": 20}, 422), ({"q": "x", "limit": 0}, 422), ({"q": "from:me"}, 422),
    ({"q": "x from:me", "kinds": "file"}, 422),
    ({"q": "x", "conversation": "019a0000-0000-7000-8000-000000000000"}, 404),
])  # fmt: skip
async def test_what_cannot_be_searched_is_said(org: Org, params, status):
    answer = await org.owner.api.get("/knowledge/search", params=params)
    assert answer.status_code == status
    assert len(answer.json()["detail"]) > 10


async def test_the_best_are_paged_by_offset(server: Server, org: Org):
    await keep(server, org, await server.general(org), "Manual", *(f"Rule {n} is about sprockets." for n in range(8)))
    whole = await texts(org.owner, "sprockets")
    assert len(whole) == 8
    assert await texts(org.owner, "sprockets", limit=3, offset=3) == whole[3:6]
    first = (await org.owner.api.get("/knowledge/search", params={"q": "sprockets", "limit": 3})).json()
    assert (first["more"], first["by_meaning"]) == (True, True)
    last = (await org.owner.api.get("/knowledge/search", params={"q": "sprockets", "limit": 3, "offset": 6})).json()
    assert (last["more"], len(last["found"])) == (False, 2)


async def test_languages_without_spaces_are_found(server: Server, org: Org):
    await keep(
        server,
        org,
        await server.general(org),
        "案内",
        "東京タワーは港区にある電波塔です。",
        "大阪城は天守閣で知られる。",
    )
    assert (await texts(org.owner, "電波塔"))[0].startswith("東京")
    assert "<mark>天守閣</mark>" in (await search(org.owner, "天守閣"))[0]["snippet"]


class Away(WordEmbedder):
    """Cannot be asked."""

    async def embed_query(self, text: str) -> list[float]:
        raise UNAVAILABLE("It is away.")


async def test_without_the_model_words_are_enough_and_it_is_said(server: Server, org: Org):
    await keep(server, org, await server.general(org), "Manual", CHAIN, TYRE)
    found = await KnowledgeSearch(server.db, [Away()]).search(org.owner.actor, "sprocket")
    assert ([one.text for one in found.found], found.by_meaning) == ([CHAIN], False)


async def test_a_reranker_has_the_last_word(server: Server, org: Org):
    await keep(server, org, await server.general(org), "Manual", "chain chain chain", "about the chain of a red bike")
    plain = server.services.part(KnowledgeSearch)
    ranked = KnowledgeSearch(server.db, [plain._first], WordReranker())
    found = await ranked.search(org.owner.actor, "the red chain")
    assert found.found[0].text == "about the chain of a red bike"


async def test_many_search_at_once(server: Server, org: Org):
    await keep(server, org, await server.general(org), "Manual", CHAIN, TYRE, LIGHT)
    found = await asyncio.gather(*(texts(org.owner, q) for q in ("sprocket", "tyre", "lamp") * 5))
    assert [one[0] for one in found] == [CHAIN, TYRE, LIGHT] * 5
