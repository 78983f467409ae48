"""A hundred thousand messages with vectors, made within the database out of sentences of the handbook.

Each message is three sentences, its vector the mean of what they mean. Fifty that follow one another are about the
same, as people who talk are, and stand in all channels: no filter leaves over a subject of its own.
"""

import asyncio
from collections.abc import Sequence
from typing import LiteralString

import psycopg
from psycopg import sql

from bench.dataset import CHECKPOINTS
from bench.ground import Ground
from bench.large_library import MAKE, sentences
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.knowledge.vectors import literal

MESSAGES, PLACES = 100_000, 20
STEP = 10_000
MESSAGE_ROWS: LiteralString = """
with picked as materialized (
    select c.n, string_agg(s.body, ' ' order by k) as body, l2_normalize(avg(s.meaning)) as meaning,
           (%(places)s::uuid[])[1 + c.n %% cardinality(%(places)s::uuid[])] as place,
           1 + c.n / cardinality(%(places)s::uuid[]) as seq,
           now() - interval '30 days' * (1 - c.n::float8 / %(messages)s::integer) as created_at
    from generate_series(%(first)s::integer, %(last)s::integer) c (n) cross join generate_series(1, 3) k
    join bench_sentences s on s.n = (
        (hashint4(c.n / 50) & 1073741823) + (hashint4(c.n * 8 + k) & 1073741823) %% 60) %% %(sentences)s::integer
    group by c.n
), record as (
    insert into message_records (conversation_id, seq, org_id, id, type, author_type, author_id, author_name, role,
                                 kind, content, html, created_at, position)
    select place, seq, %(org)s, bench_id(3, n), 'message', 'user', %(user)s, 'Ada', 'user', 'message', body,
           '<p>' || body || '</p>', created_at, 0
    from picked
), search as (
    insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, created_at)
    select bench_id(3, n), %(org)s, place, seq, %(user)s, 'message', search_vector('english', body), created_at
    from picked
)
insert into message_embeddings_384 (message_id, model, org_id, conversation_id, edit_count, embedding)
select bench_id(3, n), %(model)s, %(org)s, place, 0, meaning::halfvec(384) from picked
"""
HEADS: LiteralString = """
update conversation_heads h set last_seq = n.length, message_count = n.length
from (select conversation_id, count(*) as length from message_search group by 1) n
where h.conversation_id = n.conversation_id and h.conversation_id = any (%(places)s)
"""
FILLED: LiteralString = """
insert into message_indexes (org_id, model, filled_at) values (%(org)s, %(model)s, now()) on conflict do nothing
"""
INDEX: LiteralString = """
create index message_embeddings_384_nearest on message_embeddings_384 using hnsw (embedding halfvec_cosine_ops)
with (ef_construction = 128)
"""


async def talk(ground: Ground, embedder: LocalEmbedder, messages: int = MESSAGES) -> Sequence[str]:
    """Fill a ground's organization with messages, once; gives the sentences."""
    told = sentences()
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        if connection.execute("select to_regclass('bench_sentences')").fetchone() != (None,):
            return told
        meanings = await embedder.embed(told)
        places = await ground.channels("talk", PLACES)
        connection.execute(MAKE)
        with connection.cursor().copy("copy bench_sentences from stdin") as copy:
            for n, (body, meaning) in enumerate(zip(told, meanings, strict=True)):
                copy.write_row((n, body, literal(meaning)))
        values = {"org": ground.org_id, "user": ground.user_id, "places": places, "messages": messages,
                  "sentences": len(told), "model": embedder.model.name}  # fmt: skip
        await asyncio.to_thread(_write, connection, values, messages)
    return told


def _write(connection: psycopg.Connection, values: dict[str, object], messages: int) -> None:
    connection.execute("drop index message_embeddings_384_nearest")
    for first in range(0, messages, STEP):
        connection.execute(MESSAGE_ROWS, {**values, "first": first, "last": min(first + STEP, messages) - 1})
    for statement in (HEADS, FILLED):
        connection.execute(statement, values)
    connection.execute(CHECKPOINTS)
    connection.execute("set maintenance_work_mem = '400MB'")
    connection.execute(INDEX)
    for table in ("message_records", "message_search", "message_embeddings_384", "conversation_heads"):
        connection.execute(sql.SQL("vacuum analyze {}").format(sql.Identifier(table)))
