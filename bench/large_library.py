"""A hundred thousand chunks with vectors, made within the database out of sentences of the handbook and what they mean.

Each chunk is eight sentences, its vector their mean: what the model says of a text is near that, and embedding so
many would take an hour. A document's sentences stand near one another in the handbook, so that documents are about
something: what a filter leaves over is alike, which is what makes filtered search by an index hard.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from bench.ground import Ground
from crewhall.adapters.embedders.local import LocalEmbedder
from crewhall.knowledge.vectors import literal

DOCUMENTS, CHUNKS_EACH, PLACES = 1000, 100, 20
OTHERS = 5
"""For so many documents, another tenant has one in the same index."""
DOCS = Path(__file__).parent.parent / "docs"
MOST_SENTENCES = 1200

MAKE: LiteralString = """
create unlogged table bench_sentences (n integer primary key, body text not null, meaning vector(384) not null);
create function bench_id(salt integer, n integer) returns uuid language sql immutable as $$
    select ('0190000' || salt || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
"""
DOCUMENT_ROWS: LiteralString = """
with made as (
    select n, bench_id(1, n) as id, sha256(n::text::bytea) as sha,
           (%(places)s::uuid[])[1 + n %% cardinality(%(places)s::uuid[])] as place
    from generate_series(0, %(documents)s::integer - 1) n
), blob as (
    insert into blobs (org_id, sha256, key, size) select %(org)s, sha, 'bench/' || n, 1 from made
), file as (
    insert into files (
        id, org_id, conversation_id, created_by_type, created_by, name, media_type, size, sha256, attached_at)
    select id, %(org)s, place, 'user', %(user)s, 'Volume ' || n, 'application/x-bench', 1, sha, now() from made
), document as (
    insert into documents (id, org_id, sha256, media_type, name, size, status, title, chunks, ready_at)
    select id, %(org)s, sha, 'application/x-bench', 'Volume ' || n, 1, 'ready', 'Volume ' || n, %(each)s, now()
    from made
)
insert into document_origins (id, org_id, document_id, kind, file_id, conversation_id)
select id, %(org)s, id, 'file', id, place from made
"""
OTHER_ROWS: LiteralString = """
with org as (
    insert into organizations (id, name, slug) values (bench_id(9, 1), 'Other', 'bench-other') returning id)
insert into documents (id, org_id, sha256, media_type, name, size, status, chunks, ready_at)
select bench_id(1, %(documents)s::integer + n), org.id, sha256(n::text::bytea), 'application/x-bench', 'Other', 1,
       'ready', 1, now()
from org cross join generate_series(0, %(others)s::integer - 1) n
"""
CHUNK_ROWS: LiteralString = """
with picked as materialized (
    select c.n, string_agg(s.body, ' ' order by k) as body, l2_normalize(avg(s.meaning)) as meaning
    from generate_series(%(first)s::integer, %(last)s::integer) c (n) cross join generate_series(1, 8) k
    join bench_sentences s on s.n = (
        (hashint4(c.n / %(each)s::integer) & 1073741823) + (hashint4(c.n * 8 + k) & 1073741823) %% 60
        ) %% %(sentences)s::integer
    group by c.n
), chunk as (
    insert into chunks (id, org_id, document_id, position, content, heading, starts, ends, vector)
    select bench_id(2, p.n), d.org_id, d.id, p.n %% %(each)s::integer, p.body, '{}', 0, 1,
           chunk_vector('english', d.title, '{}', p.body)
    from picked p join documents d on d.id = bench_id(1, p.n / %(each)s::integer)
)
insert into embeddings_384 (chunk_id, model, org_id, document_id, embedding)
select bench_id(2, p.n), %(model)s, d.org_id, d.id, p.meaning::halfvec(384)
from picked p join documents d on d.id = bench_id(1, p.n / %(each)s::integer)
"""
INDEX: LiteralString = """
create index embeddings_384_nearest on embeddings_384 using hnsw (embedding halfvec_cosine_ops)
with (ef_construction = 128)
"""


def sentences() -> list[str]:
    """The handbook's, in its order."""
    found: list[str] = []
    for path in sorted(DOCS.glob("*.md")):
        text = re.sub(r"```.*?```|[#|*`>\[\]]", " ", path.read_text(), flags=re.DOTALL)
        found += [one.strip() for one in re.split(r"(?<=[.:?])\s+", text) if 40 <= len(one.strip()) <= 160]
    step = max(1, len(found) // MOST_SENTENCES)
    return found[::step][:MOST_SENTENCES]


async def fill(ground: Ground, embedder: LocalEmbedder, documents: int = DOCUMENTS) -> Sequence[str]:
    """Fill a ground's organization, once; gives the sentences."""
    told = sentences()
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        if connection.execute("select to_regclass('bench_sentences')").fetchone() != (None,):
            return told
        meanings = await embedder.embed(told)
        places = await ground.channels("library", PLACES)
        connection.execute(MAKE)
        with connection.cursor().copy("copy bench_sentences from stdin") as copy:
            for n, (body, meaning) in enumerate(zip(told, meanings, strict=True)):
                copy.write_row((n, body, literal(meaning)))
        values = {"org": ground.org_id, "user": ground.user_id,
                  "places": places, "documents": documents,
                  "each": CHUNKS_EACH, "others": documents // OTHERS, "sentences": len(told),
                  "model": embedder.model.name}  # fmt: skip
        connection.execute(DOCUMENT_ROWS, values)
        connection.execute(OTHER_ROWS, values)
        connection.execute("drop index embeddings_384_nearest")
        rows = (documents + documents // OTHERS) * CHUNKS_EACH
        for first in range(0, rows, 10_000):
            last = min(first + 10_000, rows) - 1
            connection.execute(CHUNK_ROWS, {**values, "first": first, "last": last})
        connection.execute("set maintenance_work_mem = '400MB'")
        connection.execute(INDEX)
        for table in ("chunks", "embeddings_384", "documents", "document_origins", "files"):
            connection.execute(sql.SQL("vacuum analyze {}").format(sql.Identifier(table)))
    return told
