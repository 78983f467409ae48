"""Search over thousands of chunks, as the application role sees them: by its indexes, within reach, missing little."""

from typing import Any

import psycopg
import pytest

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import SET_SCOPE, scope_of
from crewhall.kernel.ids import new_id
from tests.identity.hall import Hall
from tests.support.database import SharedCluster

MODEL = "planned"
ROWS = """
select setseed(0.5);
create temp table topics as
    select n, (select array_agg(random() - 0.5) from generate_series(1, 384) where n >= 0)::vector as meaning
    from generate_series(0, 59) n;
create temp table made as
    select n, gen_random_uuid() as chunk, (%(documents)s::uuid[])[1 + n / 300] as document,
           (%(orgs)s::uuid[])[1 + n / 300] as org,
           (select l2_normalize(avg(meaning)) from (
               select t.meaning from topics t
               where t.n in (n / 300 * 5 + hashint4(n) & 7, hashint4(n * 3) & 31, hashint4(n * 7) & 31)
               union all select (select array_agg(random() - 0.5) from generate_series(1, 384) where n >= 0)::vector
           ) of) as meaning
    from generate_series(0, 300 * cardinality(%(documents)s::uuid[]) - 1) n;
drop index embeddings_384_nearest;
insert into chunks (id, org_id, document_id, position, content, starts, ends, vector)
    select chunk, org, document, n %% 300, 'x', 0, 1, chunk_vector('english', 'Title', '{}',
        'common words' || case when n %% 1000 = 7 then ' rareword' else '' end) from made;
insert into embeddings_384 (chunk_id, model, org_id, document_id, embedding)
    select chunk, %(model)s, org, document, meaning from made;
create index embeddings_384_nearest on embeddings_384 using hnsw (embedding halfvec_cosine_ops)
    with (ef_construction = 128);
analyze chunks, embeddings_384, documents, document_origins;
"""
DOCUMENT = """
with blob as (insert into blobs (org_id, sha256, key, size) values (%(org)s, sha256(%(key)s::bytea), %(key)s, 1)
), file as (
    insert into files (
        id, org_id, conversation_id, created_by_type, created_by, name, media_type, size, sha256, attached_at)
    values (%(id)s, %(org)s, %(place)s, 'user', %(owner)s, 'x', 'application/x-test', 1, sha256(%(key)s::bytea), now())
), document as (
    insert into documents (id, org_id, sha256, media_type, name, size, status, chunks, ready_at)
    values (%(id)s, %(org)s, sha256(%(key)s::bytea), 'application/x-test', 'x', 1, 'ready', 300, now()))
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id)
values (%(id)s, %(org)s, %(id)s, 'file', %(id)s, %(place)s)
"""
PLACE = """
insert into conversations (id, org_id, kind, type, name, topic, owner_type, owner_user_id)
values (%(place)s, %(org)s, 'channel', 'public', %(key)s, %(key)s, 'user', %(owner)s)
"""
NEAREST = """
select chunk_id from chunks_by_meaning(
    %(meaning)s::halfvec, %(model)s, null, %(place)s, null, null, null, null, null, null, %(size)s)
"""
EXACT = """
with compared as materialized (
    select e.chunk_id, e.embedding <=> %(meaning)s::halfvec as distance from embeddings_384 e
    join document_origins o on o.document_id = e.document_id
    where e.org_id = %(org)s and (%(place)s::uuid is null or o.conversation_id = %(place)s))
select chunk_id from compared order by distance limit %(size)s
"""
WITHIN = ("materialized", "ts_rank(")
"""What the statements have in them whose plans are looked at."""
WORDS = "select chunk_id from chunks_by_words(%(words)s, null, %(place)s, null, null, null, null, null, null, 60)"


class Filled:
    """Two organizations: twelve documents in two places, and two documents of somebody else."""

    def __init__(self, app: str, superuser: str, actor: Actor, places: list[Any], meanings: list[str]) -> None:
        self.app, self.superuser, self.actor, self.places, self.meanings = app, superuser, actor, places, meanings

    def ask(self, sql: str, *, plans: bool = False, **asked: Any) -> Any:
        """Run a statement as the application role does; gives its rows, or the plans of what ran within."""
        notices: list[str] = []
        values = {"model": MODEL, "place": None, "size": 60, "org": self.actor.org, **asked}
        with psycopg.connect(self.superuser, options="-c session_preload_libraries=auto_explain") as connection:
            connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
            if plans:
                for setting in ("log_min_duration = 0", "log_nested_statements = on"):
                    connection.execute("set auto_explain." + setting)
                connection.execute("set client_min_messages = log")
            connection.execute("set role crewhall_app")
            connection.execute(SET_SCOPE, scope_of(self.actor))
            rows = [row[0] for row in connection.execute(sql, values)]
        return "\n".join(one for one in notices if any(mark in one for mark in WITHIN)) if plans else rows


@pytest.fixture(scope="module")
async def filled(cluster: SharedCluster, worker_id: str):
    name = f"knowledge_plan_{worker_id}"
    urls = cluster.clone(name)
    async with Hall(urls.app) as hall:
        orgs = [await hall.make_org(one) for one in ("One", "Two")]
    places = [new_id(), new_id(), new_id()]
    with psycopg.connect(cluster.superuser(name), autocommit=True) as connection:
        documents: list[Any] = []
        for n, place in enumerate(places):
            org = orgs[n // 2]
            own = {"org": org.id, "owner": org.owner.id, "place": place, "key": f"place-{n}"}
            connection.execute(PLACE, own)
            for k in range((11, 1, 2)[n]):
                documents.append((new_id(), org.id))
                connection.execute(DOCUMENT, own | {"id": documents[-1][0], "key": f"{n}-{k}"})
        values = {"documents": [one for one, _ in documents], "orgs": [org for _, org in documents], "model": MODEL}
        psycopg.ClientCursor(connection).execute(ROWS, values)
        meanings = [row[0] for row in connection.execute("select embedding::text from embeddings_384 limit 900")]
    yield Filled(urls.app, cluster.superuser(name), orgs[0].owner.actor, places, meanings[::45])
    cluster.drop(name)


@pytest.mark.rule("B10")
async def test_a_wide_reach_is_walked_by_the_index_and_misses_little(filled: Filled):
    plan = filled.ask(NEAREST, plans=True, meaning=filled.meanings[0])
    assert "Index Scan using embeddings_384_nearest" in plan
    assert "Seq Scan on embeddings_384" not in plan
    missed = 0
    for meaning in filled.meanings:
        exact, found = filled.ask(EXACT, meaning=meaning, size=10), filled.ask(NEAREST, meaning=meaning)
        assert len(found) == len(set(found)) == 60
        missed += len(set(exact) - set(found[:10]))
    assert missed <= len(filled.meanings) * 10 * 0.02


@pytest.mark.rule("B10")
async def test_a_narrow_reach_is_compared_whole(filled: Filled):
    _, narrow, elsewhere = filled.places
    plan = filled.ask(NEAREST, plans=True, meaning=filled.meanings[0], place=narrow)
    assert "embeddings_384_nearest" not in plan
    assert "embeddings_384_document" in plan
    for meaning in filled.meanings[:5]:
        assert filled.ask(NEAREST, meaning=meaning, place=narrow, size=10) == filled.ask(
            EXACT, meaning=meaning, place=narrow, size=10
        )
    assert filled.ask(NEAREST, meaning=filled.meanings[0], place=elsewhere) == []
    assert filled.ask(NEAREST, meaning=filled.meanings[0], model="another") == []


async def test_words_are_found_by_their_index(filled: Filled):
    assert "Bitmap Index Scan on chunks_vector" in filled.ask(WORDS, plans=True, words="rareword")
    assert len(filled.ask(WORDS, words="rareword")) == 4
    assert len(filled.ask(WORDS, words="common")) == 60
    assert filled.ask(WORDS, words="rareword", place=filled.places[2]) == []
    assert len(filled.ask(WORDS, words="common", place=filled.places[1])) == 60


MESSAGES = """
create temp table said on commit drop as
    select e.chunk_id as id, e.org_id, e.model, e.embedding, o.conversation_id, row_number() over () as seq
    from embeddings_384 e join document_origins o on o.document_id = e.document_id;
insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, created_at)
    select id, org_id, conversation_id, seq, case when seq %% 100 = 1 then %(seldom)s else %(often)s end, 'message', '',
           now() from said;
drop index message_embeddings_384_nearest;
insert into message_embeddings_384 (message_id, model, org_id, conversation_id, edit_count, embedding)
    select id, model, org_id, conversation_id, 0, embedding from said;
create index message_embeddings_384_nearest on message_embeddings_384 using hnsw (embedding halfvec_cosine_ops)
    with (ef_construction = 128);
insert into conversation_heads (conversation_id, org_id, message_count)
    select conversation_id, org_id, count(*) from said group by 1, 2
    on conflict (conversation_id) do update set message_count = excluded.message_count;
analyze message_search, message_embeddings_384, conversation_heads;
"""
NEAR_MESSAGES = """
select message_id from messages_by_meaning(%(meaning)s::halfvec, %(model)s,
    row(%(places)s::uuid[], %(authors)s::uuid[], null, null, null, null, null, null, null, null)::search_filters,
    %(size)s)
"""
EXACT_MESSAGES = """
with compared as materialized (
    select e.message_id, e.embedding <=> %(meaning)s::halfvec as distance from message_embeddings_384 e
    join message_search s on s.message_id = e.message_id
    where e.org_id = %(org)s and e.conversation_id = any (coalesce(%(places)s::uuid[], %(reach)s::uuid[]))
      and (%(authors)s::uuid[] is null or s.author_id = any (%(authors)s::uuid[])))
select message_id from compared order by distance limit %(size)s
"""


@pytest.fixture(scope="module")
def said(filled: Filled) -> tuple[Any, Any]:
    """The same meanings, said in the same places; gives who said one of a hundred of them, and who the others."""
    seldom, often = new_id(), new_id()
    with psycopg.connect(filled.superuser) as connection:
        psycopg.ClientCursor(connection).execute(MESSAGES, {"seldom": seldom, "often": often})
    return seldom, often


async def test_messages_near_in_meaning_are_found_by_the_index_which_misses_little(
    filled: Filled, said: tuple[Any, Any]
):
    everywhere: dict[str, Any] = {"places": None, "authors": None, "reach": filled.places[:2]}
    plan = filled.ask(NEAR_MESSAGES, plans=True, meaning=filled.meanings[0], **everywhere)
    assert "Index Scan using message_embeddings_384_nearest" in plan
    assert "Seq Scan on message_embeddings_384" not in plan
    missed = 0
    for meaning in filled.meanings:
        exact = filled.ask(EXACT_MESSAGES, meaning=meaning, **{**everywhere, "size": 10})
        found = filled.ask(NEAR_MESSAGES, meaning=meaning, **everywhere)
        assert len(found) == len(set(found)) == 60
        missed += len(set(exact) - set(found[:10]))
    assert missed <= len(filled.meanings) * 10 * 0.02


@pytest.mark.rule("B10")
async def test_few_messages_are_compared_whole(filled: Filled, said: tuple[Any, Any]):
    seldom, often = said
    for asked in ({"places": [filled.places[1]], "authors": None}, {"places": None, "authors": [seldom]},
                  {"places": [filled.places[1]], "authors": [often]}):  # fmt: skip
        narrow: dict[str, Any] = {**asked, "reach": filled.places[:2]}
        assert "message_embeddings_384_nearest" not in filled.ask(
            NEAR_MESSAGES, plans=True, meaning=filled.meanings[0], **narrow
        )
        for meaning in filled.meanings[:3]:
            near = filled.ask(NEAR_MESSAGES, meaning=meaning, **{**narrow, "size": 10})
            assert near == filled.ask(EXACT_MESSAGES, meaning=meaning, **{**narrow, "size": 10})
            assert len(near) == 10
    elsewhere: dict[str, Any] = {"places": [filled.places[2]], "authors": None}
    assert filled.ask(NEAR_MESSAGES, meaning=filled.meanings[0], **elsewhere) == []
    assert filled.ask(NEAR_MESSAGES, meaning=filled.meanings[0], model="another", places=None, authors=None) == []
