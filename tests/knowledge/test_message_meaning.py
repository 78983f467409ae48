"""Messages by meaning: within reach, as they stand now, derived behind the log."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.conversations import PastChannel, PastRecord, open_past_channel, take_past
from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.ids import new_id
from crewhall.kernel.tools import Caller, OnlyParts
from crewhall.knowledge import KnowledgeSearch
from crewhall.knowledge.embedding_worker import FIRST_REST_S
from crewhall.knowledge.schemas_search import FindingKind, Searched
from crewhall.knowledge.tools import SearchKnowledge, search_knowledge
from crewhall.ports.embedder import WordEmbedder
from crewhall.ports.message_log import RecordType
from tests.conversations.ways import caught_up, group, post
from tests.identity.hall import Org
from tests.knowledge.library import keep
from tests.knowledge.meaning import Meaning, Moody
from tests.support.database import SharedCluster
from tests.support.server import Server

DUE = "Our supplier wants to be paid within thirty days of each delivery"
CAKE = "Somebody left half a lemon cake on the kitchen counter this morning"
ASKED = "telescope elephants parliament mountains orchestra dinosaurs hurricanes volcanoes paid each days within"
"""Near DUE by its short words; search by words asks for the eight longest, which nobody has written."""
MESSAGES = Searched(kinds=(FindingKind.MESSAGE,))


@pytest.fixture(autouse=True)
def alone(cluster: SharedCluster, worker_id: str, server: object) -> Callable[[str, UUID | None], None]:
    """What other tests wrote is embedded by nobody here; all but one organization can be said to have a model."""
    url = cluster.superuser(f"server_{worker_id}")

    def let_others_have(model: str, but: UUID | None) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("delete from unembedded_messages where org_id is distinct from %s", (but,))
            connection.execute("delete from message_indexes where org_id is distinct from %s", (but,))
            statement = """
                insert into message_indexes (org_id, model, filled_at)
                select id, %s, now() from organizations where id is distinct from %s
            """
            connection.execute(statement, (model, but))

    let_others_have("words", None)
    return let_others_have


@pytest.fixture
def meaning(server: Server) -> Meaning:
    return Meaning(server)


@pytest.mark.rule("X6")
async def test_messages_are_found_by_what_they_mean(server: Server, org: Org):
    """By the model that comes along, over HTTP: in other words, with its place and its likeness."""
    meaning = Meaning(server, server.services.part(KnowledgeSearch)._first)
    general = await server.general(org)
    said = await post(org.owner, general, DUE)
    await post(org.owner, general, CAKE)
    async with server.db.transaction(org.owner.actor) as tx:
        assert await tx.value("select count(*) from unembedded_messages") == 0, "nothing of it in the post"
    await meaning.embed()
    answer = await org.owner.api.get("/knowledge/search", params={"q": "when do we have to settle invoices"})
    first = answer.raise_for_status().json()["found"][0]
    assert (first["id"], first["kind"], first["text"]) == (said["id"], "message", DUE)
    assert first["url"] == f"/c/{general}?at={said['seq']}"
    assert 0.1 < first["likeness"] < 1
    assert first["snippet"].startswith("Our supplier")
    status = (await org.owner.api.get("/knowledge/status")).raise_for_status().json()["messages"]
    assert (status["model"], status["waiting"], status["next_model"]) == (meaning.embedder.model.name, 0, None)


@pytest.mark.rule("X6")
async def test_words_and_meaning_are_fused_and_documents_keep_their_order(server: Server, meaning: Meaning, org: Org):
    general = await server.general(org)
    await keep(server, org, general, "Terms", "The supplier is paid within thirty days.", "Cakes are for everybody.")
    await post(org.owner, general, DUE)
    await post(org.owner, general, CAKE)
    await meaning.embed()
    mixed = KnowledgeSearch(server.db, [server.services.part(KnowledgeSearch)._first, meaning.embedder])
    found = (await mixed.search(org.owner.actor, ASKED)).found
    assert next(one.text for one in found if one.kind is FindingKind.MESSAGE) == DUE
    assert next(one.text for one in found if one.kind is FindingKind.FILE).startswith("The supplier")
    assert found[0].text != CAKE
    assert await meaning.found(org.owner, CAKE, searched=MESSAGES) == [CAKE, DUE]


@pytest.mark.rule("B1")
@pytest.mark.rule("B10")
async def test_nobody_finds_by_meaning_what_is_not_theirs(server: Server, meaning: Meaning, org: Org, other_org: Org):
    circle, ada, agent = await group(org.owner), await org.add(), await server.hire(org)
    scout = Actor(ActorType.AGENT, UUID(agent.id), org.id, name="Scout")
    await post(org.owner, circle, DUE)
    await post(other_org.owner, await server.general(other_org), "Their supplier is paid on delivery, not later")
    await meaning.embed()
    assert await meaning.found(org.owner, ASKED) == [DUE]
    for somebody in (ada, scout):
        assert await meaning.found(somebody, ASKED) == []
    assert DUE not in await meaning.found(other_org.owner, ASKED)
    member = {"member_type": "user", "member_id": str(ada.id)}
    (await org.owner.api.post(f"/conversations/{circle}/members", json=member)).raise_for_status()
    assert await meaning.found(ada, ASKED) == [DUE]
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{ada.id}")).raise_for_status()
    assert await meaning.found(ada, ASKED) == []
    (await org.owner.api.delete(f"/conversations/{circle}", params={"confirm": "Circle"})).raise_for_status()
    assert await meaning.found(org.owner, ASKED) == []


@pytest.mark.rule("X11")
async def test_an_agent_finds_what_it_and_those_it_acts_for_may_read(server: Server, meaning: Meaning, org: Org):
    ada, agent = await org.add(), await server.hire(org)
    private = await server.channel(org.owner, type="private")
    body = {"member_type": "agent", "member_id": agent.id}
    (await org.owner.api.post(f"/conversations/{private}/members", json=body)).raise_for_status()
    said = await post(org.owner, private, DUE)
    await meaning.embed()
    for behalf, count in (((), 1), ((org.owner.actor,), 1), ((ada.actor,), 0), ((org.owner.actor, ada.actor), 0)):
        acting = Actor(ActorType.AGENT, UUID(agent.id), org.id, name="Scout", behalf=behalf)
        caller = Caller(db=server.db, actor=acting, parts=OnlyParts(meaning.search))
        passages = (await search_knowledge(caller, SearchKnowledge(query=ASKED))).passages
        assert [one.link for one in passages] == [f"/c/{private}?at={said['seq']}"] * count


async def test_edits_and_deletions_are_followed_at_once(server: Server, meaning: Meaning, org: Org):
    general = await server.general(org)
    said, kept = await post(org.owner, general, DUE), await post(org.owner, general, CAKE)
    await meaning.embed()
    path = f"/conversations/{general}/messages"
    (
        await org.owner.api.patch(f"{path}/{said['id']}", json={"content": "Gone is what stood here before"})
    ).raise_for_status()
    async with server.db.transaction(org.owner.actor) as tx:
        near = "select message_id from messages_by_meaning(%(meaning)s::halfvec, 'words', null, 10)"
        vector = str((await meaning.embedder.embed([DUE]))[0])
        assert await tx.values(near, {"meaning": vector}) == [UUID(kept["id"])], "before anything followed the log"
    await meaning.embed()
    assert (await meaning.found(org.owner, "what stood before is gone"))[0] == "Gone is what stood here before"
    (await org.owner.api.patch(f"{path}/{said['id']}", json={"content": "ok"})).raise_for_status()
    await meaning.embed()
    assert await meaning.vectors(org) == [UUID(kept["id"])], "what says too little has no meaning"
    (await org.owner.api.delete(f"{path}/{kept['id']}")).raise_for_status()
    assert await meaning.found(org.owner, ASKED) == []
    await caught_up(server.db, "search")
    assert await meaning.vectors(org) == [], "its vector goes with it"


async def test_a_search_by_meaning_is_narrowed(server: Server, meaning: Meaning, org: Org):
    general, circle, ada = await server.general(org), await group(org.owner), await org.add()
    await post(org.owner, general, DUE)
    await post(ada, general, "Is the supplier paid before each delivery or after it?", kind="question")
    await post(org.owner, circle, "The supplier of our chairs is paid by card")
    await meaning.embed()
    whole = await meaning.found(org.owner, ASKED)
    assert len(whole) == 3

    async def narrowed(q: str, **asked: Any) -> list[int]:
        return sorted(whole.index(text) for text in await meaning.found(org.owner, f"{ASKED} {q}", **asked))

    question, due, chairs = (
        next(n for n, text in enumerate(whole) if word in text) for word in ("Is the", "Our", "chairs")
    )
    assert await narrowed(f"from:{ada.id}") == await narrowed("kind:question") == [question]
    assert await narrowed("-kind:question in:general") == [due]
    assert await narrowed("from:me -in:general") == [chairs]
    assert await narrowed("", searched=Searched(conversation_id=UUID(circle))) == [chairs]
    assert await narrowed("before:2020") == await narrowed("has:link") == []
    assert len(await narrowed("after:2020")) == 3


async def test_switched_off_messages_are_found_by_words_alone(server: Server, meaning: Meaning, org: Org):
    await post(org.owner, await server.general(org), DUE)
    await meaning.embed()
    plain = KnowledgeSearch(server.db, [meaning.embedder], messages_by_meaning=False)
    assert (await plain.search(org.owner.actor, ASKED, MESSAGES)).found == []
    found = await plain.search(org.owner.actor, "supplier", MESSAGES)
    assert ([one.text for one in found.found], found.by_meaning) == ([DUE], False)


@pytest.mark.parametrize(("text", "means"), [
    (DUE, True), ("ok thanks a lot", False), ("see https://example.org/a/long/way/to/go/there", False),
    ("thank you very much", True), ("👍 👍 👍 👍 👍", False), ("東京タワーは港区にある", True), ("東京です", False),
    ("Das Büro schließt früher", True), ("1 2 3 4 5 6 7", False), ("", False),
])  # fmt: skip
async def test_what_says_too_little_is_left_out(cluster: SharedCluster, worker_id: str, server: object, text, means):
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        row = connection.execute("select says_enough(%s)", (text,)).fetchone()
        assert row == (means,)


async def test_what_nobody_said_is_left_out(server: Server, meaning: Meaning, org: Org):
    await server.hire(org)
    general = await server.general(org)
    agent = await server.hire(org)
    said = await post(agent, general, "The agent reports that all of it is done")
    await meaning.embed()
    assert await meaning.vectors(org) == [UUID(said["id"])], "not what #audit tells of the agents that were hired"


async def test_another_model_takes_over_when_all_messages_have_come_to_it(
    server: Server, meaning: Meaning, org: Org, alone: Callable[[str, UUID | None], None]
):
    general = await server.general(org)
    for text in (DUE, CAKE):
        await post(org.owner, general, text)
    await meaning.embed()
    other = Meaning(server, WordEmbedder("other"))
    both = KnowledgeSearch(server.db, [other.embedder, meaning.embedder])
    alone("other", org.id)
    await other.worker._batches.begin()
    assert await other.worker._batches.fill() >= 2
    assert (await meaning.vectors(org, "other"), len(await meaning.vectors(org))) == ([], 2)
    assert (await both.search(org.owner.actor, ASKED)).found[0].text == DUE, "by the former model meanwhile"
    status = (await org.owner.api.get("/knowledge/status")).raise_for_status().json()["messages"]
    assert (status["model"], status["next_model"], status["waiting"], status["filled_at"]) == (
        "words",
        "other",
        2,
        None,
    )
    await other.embed()
    assert (len(await meaning.vectors(org, "other")), await meaning.vectors(org)) == (2, [])
    assert (await both.search(org.owner.actor, ASKED)).found[0].text == DUE
    assert sorted(one for one in other.embedder.asked if one in (DUE, CAKE)) == sorted(
        [
            DUE,
            CAKE,
        ]
    ), "each once"


async def test_what_was_written_before_is_gone_through_and_nothing_is_embedded_twice(
    server: Server, meaning: Meaning, org: Org, alone: Callable[[str, UUID | None], None]
):
    general = await server.general(org)
    for number in range(70):
        await post(org.owner, general, f"Report number {number} of the harbour is here")
    await meaning.follow()
    await caught_up(server.db, "search")
    alone("words", org.id)
    async with server.db.transaction(org.owner.actor) as tx:  # as it is where they were written before this version
        await tx.run("delete from unembedded_messages")
        await tx.run("delete from message_indexes")
    first, second = Meaning(server), Meaning(server)
    await first.worker._batches.begin()
    assert await first.worker._batches.fill() >= 70
    taken = await first.worker._batches.take()
    assert (len(taken), len(await second.worker._batches.take())) == (64, 6), "each is taken by one"
    late = await first.worker._batches.take()
    assert late == []
    async with server.db.transaction(org.owner.actor) as tx:  # both die; two minutes later
        await tx.run("update unembedded_messages set look_at = now()")
    third = Meaning(server)
    assert await third.worker.look() is None, "nothing is left, nobody looks again by himself"
    reports = [text for text in third.embedder.asked if text.startswith("Report")]
    assert len(reports) == len(set(reports)) == len(await meaning.vectors(org)) == 70
    await first.worker._batches.keep(taken, [[1.0] + [0.0] * 383] * 64)
    async with server.db.transaction(org.owner.actor) as tx:
        kept = "select count(*) from message_embeddings_384 where embedding = %(late)s::halfvec"
        assert await tx.value(kept, {"late": str([1] + [0] * 383)}) == 0, "who comes late writes nothing"
    again = Meaning(server)
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update message_indexes set filled_at = null, before_id = default")
    await again.worker.look()
    assert again.embedder.asked == []


async def test_what_is_imported_is_gone_through_too(server: Server, meaning: Meaning, org: Org):
    await post(org.owner, await server.general(org), DUE)
    await meaning.embed()
    async with server.db.transaction(org.owner.actor) as tx:
        channel = PastChannel(name="old", description="", is_private=False)
        place = await open_past_channel(tx, org.owner.actor, server.services.log, channel)
        moment = datetime.now(UTC) - timedelta(days=400)
        record = PastRecord(
            id=new_id(), type=RecordType.MESSAGE, author=org.owner.id, author_name="Ada", content=CAKE, at=moment
        )
        await take_past(tx, place, [record])
    await meaning.worker.look()
    assert set(await meaning.vectors(org)) >= {record.id}
    assert len(meaning.embedder.asked) == len(set(meaning.embedder.asked))
    assert (await meaning.found(org.owner, "lemon cake in the kitchen, not at all thrown away"))[0] == CAKE


async def test_a_text_that_the_model_refuses_or_dies_of_is_given_up(server: Server, org: Org):
    moody = Moody()
    meaning = Meaning(server, moody)
    moody.refused, moody.deadly = "poison", "dagger"
    general = await server.general(org)
    for text in (
        DUE,
        "There is poison in this very cup",
        CAKE,
        "Is this a dagger which I see",
        "The rest is silence, they say",
    ):
        await post(org.owner, general, text)
    assert await meaning.embed() is None
    assert len(await meaning.vectors(org)) == 3
    moody.is_away = True
    await post(org.owner, general, "Nobody answers the telephone any more")
    rest = await meaning.embed()
    assert rest is not None
    assert 0 < rest <= FIRST_REST_S
    moody.is_away = False
    assert await Meaning(server, moody).embed() is None
    assert len(await meaning.vectors(org)) == 4
