"""Search over tens of thousands of rows, as the application role sees them: by its indexes, within its reach."""

from uuid import UUID

import psycopg
import pytest
from psycopg.rows import TupleRow

from crewhall.conversations import search_others
from crewhall.conversations.search import search
from crewhall.conversations.search_filters import Filters, Traits
from crewhall.conversations.search_others import name_the_others
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import SET_SCOPE, scope_of
from crewhall.kernel.ids import new_id
from crewhall.ports.message_log import MessageKind
from tests.identity.hall import Hall
from tests.support.database import SharedCluster

ROWS = 24_000
FILL = """
insert into conversations (id, org_id, kind, type, name, topic, owner_type, owner_user_id)
values (%(conversation)s, %(org)s, 'channel', %(type)s, %(name)s, %(name)s || %(org)s, 'user', %(owner)s);
"""
ROWS_SQL = """
insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, holds, created_at)
select ('01900000-0000-7000-8000-' || lpad(to_hex(n * 4 + %(salt)s), 12, '0'))::uuid, %(org)s, %(conversation)s, n,
       case when n %% 6000 = 3 then %(conversation)s else %(owner)s end,
       case when n %% 6000 = 4 then 'question' else 'message' end,
       search_vector('english',
           'common word' || case n %% 6000 when 1 then ' rareword' when 2 then ' 東京タワー' else '' end),
       case when n %% 6000 = 5 then '{file}'::text[] end, '2024-06-10'
from generate_series(1, %(rows)s) n
"""
SEARCH = """
select s.message_id, m.conversation_id from search_messages(%(words)s, row(
    %(places)s::uuid[], %(authors)s::uuid[], %(kinds)s::text[], %(holds)s::text[],
    %(not_places)s::uuid[], %(not_authors)s::uuid[], %(not_kinds)s::text[], %(not_holds)s::text[],
    null, %(until)s::timestamptz)::search_filters, null, %(size)s) s
join message_search m using (message_id)
"""
TRAITS = ("places", "authors", "kinds", "holds")
NOTHING: dict[str, object] = dict.fromkeys(("words", *TRAITS, *(f"not_{trait}" for trait in TRAITS), "until"))


@pytest.fixture(scope="module")
async def filled(cluster: SharedCluster, worker_id: str):
    """Two organizations, each with a public and a private channel of many rows; gives the actors and the channels."""
    urls = cluster.clone(f"search_plan_{worker_id}")
    actors: list[Actor] = []
    places: dict[UUID, tuple[UUID, UUID]] = {}
    async with Hall(urls.app) as hall:
        for name in ("One", "Two"):
            org = await hall.make_org(name)
            other = await org.add()
            actors += [org.owner.actor, other.actor]
            places[org.id] = (new_id(), new_id())
    with psycopg.connect(cluster.superuser(f"search_plan_{worker_id}"), autocommit=True) as connection:
        for salt, (org_id, channels) in enumerate(places.items()):
            owner = next(actor.id for actor in actors if actor.org_id == org_id)
            for place, (channel, kind) in enumerate(zip(channels, ("public", "private"), strict=True)):
                values = {"conversation": channel, "org": org_id, "type": kind, "name": f"{kind}-x", "owner": owner,
                          "salt": salt * 2 + place, "rows": ROWS}  # fmt: skip
                connection.execute(FILL, values)
                connection.execute(ROWS_SQL, values)
            connection.execute(
                """
                insert into conversation_members (conversation_id, org_id, member_type, member_id)
                values (%s, %s, 'user', %s)
                """,
                (channels[1], org_id, owner),
            )
        connection.execute("vacuum analyze message_search")
    yield urls.app, cluster.superuser(f"search_plan_{worker_id}"), actors, places
    cluster.drop(f"search_plan_{worker_id}")


async def hits(url: str, actor: Actor, q: str, size: int = 100) -> list[TupleRow]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(SET_SCOPE, scope_of(actor))
        return await (await connection.execute(SEARCH, {**NOTHING, "words": q, "size": size})).fetchall()


def plans(superuser_url: str, actor: Actor, **asked: object) -> str:
    """The plans of the statements inside `search_messages`, run as the application role under forced row security."""
    notices: list[str] = []
    with psycopg.connect(superuser_url, options="-c session_preload_libraries=auto_explain") as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        for setting in ("log_min_duration = 0", "log_nested_statements = on"):
            connection.execute("set auto_explain." + setting)
        connection.execute("set client_min_messages = log")
        connection.execute("set role crewhall_app")
        connection.execute(SET_SCOPE, scope_of(actor))
        connection.execute(SEARCH, {**NOTHING, "size": 20, **asked})
    return "\n".join(text for text in notices if "filtered_search" in text or "from message_search s" in text)


@pytest.mark.rule("B1")
async def test_reach_holds_over_many_rows(filled):
    url, _, actors, places = filled
    for owner, member in (actors[:2], actors[2:]):
        public, private = places[owner.org]
        for q in ("rareword", "東京タワー"):
            assert {row[1] for row in await hits(url, owner, q)} == {public, private}
            assert {row[1] for row in await hits(url, member, q)} == {public}
            assert len(await hits(url, member, q)) == ROWS // 6000


@pytest.mark.parametrize(("q", "index"), [
    ("rareword", "message_search_vector"), ("東京タワー", "message_search_vector"), ("東京", "message_search_vector"),
    ("common", "message_search_recent"),
    ('"word rareword"', "message_search_vector"), ("rare", "message_search_vector"),
    ("nosuch or nothing", "message_search_vector"),
    ("comm", "message_search_recent"),
])  # fmt: skip
async def test_search_uses_its_index_under_row_security(filled, q, index):
    _, superuser_url, actors, _ = filled
    plan = plans(superuser_url, actors[1], words=q)
    assert index in plan
    assert "Seq Scan on message_search" not in plan


@pytest.mark.parametrize(("asked", "index"), [
    ({"words": "rareword", "authors": ["stranger"]}, "message_search_vector"),
    ({"authors": ["stranger"]}, "message_search_author"),
    ({"words": "common", "authors": ["stranger"]}, "message_search_author"),
    ({"places": ["here"]}, "message_search_place"),
    ({"words": "common", "places": ["here"]}, "message_search_place"), ({"kinds": ["question"]}, "message_search_kind"),
    ({"words": "common", "kinds": ["question"]}, "message_search_kind"), ({"holds": ["file"]}, "message_search_holds"),
    ({"words": "rareword", "until": "2024-07-01"}, "message_search_vector"),
    ({"words": "rareword", "places": ["here"]}, "message_search_vector"),
    ({"authors": ["stranger", "nobody"]}, "message_search_author"),
    ({"words": "common", "authors": ["stranger", "nobody"]}, "message_search_author"),
    ({"words": "common", "places": ["here", "there"]}, "message_search_place"),
    ({"words": "common", "kinds": ["question", "answer"]}, "message_search_kind"),
    ({"holds": ["file", "image"]}, "message_search_holds"),
    ({"words": "rareword", "not_authors": ["stranger"]}, "message_search_vector"),
    ({"words": "common", "not_authors": ["stranger"], "not_holds": ["file"]}, "message_search_recent"),
    ({"not_places": ["here"]}, "message_search_recent"),
])  # fmt: skip
async def test_each_filter_has_its_index(filled, asked, index):
    _, superuser_url, actors, places = filled
    public, private = places[actors[0].org]
    named = {"stranger": public, "here": public, "there": private, "nobody": actors[0].org}
    values = {key: [named.get(one, one) for one in of] if isinstance(of, list) else of for key, of in asked.items()}
    plan = plans(superuser_url, actors[0], **values)
    assert index in plan
    assert "Seq Scan on message_search" not in plan
    assert "BitmapAnd" not in plan, "nothing reads all that a filter lets through"


async def test_a_common_word_is_answered_by_the_newest_rows_alone(filled):
    _, superuser_url, actors, _ = filled
    assert "message_search_vector" not in plans(superuser_url, actors[1], words="common")


async def test_who_writes_most_is_left_out_without_a_walk_through_all_they_wrote(filled, monkeypatch):
    url, superuser_url, actors, places = filled
    owner = actors[0]
    public, private = places[owner.org]
    async with Hall(url) as hall, hall.db.transaction(owner) as tx:
        asked = Filters(without=Traits(authors=(owner.id,))).asked()
        named = await name_the_others(tx, owner, asked)
        assert named == {**asked, "authors": sorted([public, private])}  # those of this organization alone
        assert (
            await name_the_others(tx, owner, Filters(authors=(public,)).asked()) == Filters(authors=(public,)).asked()
        )
        nobody = Filters(without=Traits(authors=(owner.id, public, private))).asked()
        assert await name_the_others(tx, owner, nobody) is None
        kinds = await name_the_others(tx, owner, Filters(without=Traits(kinds=(MessageKind.MESSAGE,))).asked())
        assert named is not None
        assert kinds is not None
        assert MessageKind.QUESTION in kinds["kinds"]
        found = await search(tx, owner, filters=Filters(without=Traits(authors=(owner.id,))))
        assert found.items == []  # rows of the index alone: there are no such messages
        monkeypatch.setattr(search_others, "MOST_AUTHORS", 1)
        assert await name_the_others(tx, owner, asked) == asked
    assert "message_search_author" in plans(superuser_url, owner, authors=named["authors"], not_authors=[owner.id])
    assert "message_search_kind" in plans(superuser_url, owner, kinds=[str(one) for one in kinds["kinds"]])
