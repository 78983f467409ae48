"""A large history, written with SQL as the owner of the tables, in the form that posting and the search consumer give.

Messages are spread evenly over ten channels (or as many as are asked for) and the last thirty days, written by five
people (one in a thousand by a sixth) and read by the bench. One in 400 is a question, one in a hundred is searched as
one that has a file.
Texts are twelve words drawn so that the most common word (`COMMON`) stands in about half of all messages, `MIDDLING` in
one of 400; `RARE` in twenty in all.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import LiteralString
from uuid import NAMESPACE_DNS, UUID, uuid5

import psycopg

from bench.ground import Ground
from crewhall import migrations

CONVERSATIONS = 10
SENTENCES = 20_000
STEP = 500_000
COMMON, MIDDLING, RARE = "kb", "kbaaa", "zyzzyva"
RARE_COUNT = 20
AUTHORS = [uuid5(NAMESPACE_DNS, f"{n}.example.test") for n in range(5)]
STRANGER = uuid5(NAMESPACE_DNS, "stranger.example.test")

SENTENCE_TABLE: LiteralString = """
create temp table sentences as
select n, string_agg(
    'k' || translate((1 + floor(4000 * power(random(), 3)))::int::text, '0123456789', 'abcdefghij'), ' ') as body
from generate_series(0, %(sentences)s::int - 1) n, generate_series(1, 12) w group by n
"""
SENTENCE_INDEX: LiteralString = "alter table sentences add primary key (n)"
NUMBERED: LiteralString = """
    select i, c.id as conversation_id, i / %(conversations)s::bigint + 1 as seq,
           now() - interval '30 days' * (1 - i::float8 / %(total)s::bigint) as created_at,
           s.body || case when i %% (%(total)s::bigint / %(rare_count)s::bigint) = 7 then ' ' || %(rare)s else '' end
               as body
    from generate_series(%(first)s::bigint, %(last)s::bigint) i
    join unnest(%(channels)s::uuid[]) with ordinality as c (id, place) on c.place = i %% %(conversations)s::bigint + 1
    join sentences s on s.n = (i * 7919::bigint) %% %(sentences)s::bigint
"""
FILL: LiteralString = (
    "with numbered as ("
    + NUMBERED
    + """), written as (
        insert into message_records (conversation_id, seq, org_id, id, type, author_type, author_id, author_name, role,
                                     kind, content, html, created_at, position)
        select conversation_id, seq, %(org)s, uuidv7(created_at - clock_timestamp()), 'message', 'user',
               case when i %% 1000 = 500 then %(stranger)s else (%(authors)s::uuid[])[1 + i %% 5] end, 'Grace', 'user',
               case when i %% 400 = 3 then 'question' else 'message' end,
               body, '<p>' || body || '</p>', created_at, 0
        from numbered order by i
        returning id, org_id, conversation_id, seq, author_id, kind, content, created_at
    )
    insert into message_search (message_id, org_id, conversation_id, seq, author_id, kind, vector, holds, created_at)
    select w.id, w.org_id, w.conversation_id, w.seq, w.author_id, w.kind, search_vector('english', w.content),
           case when w.seq %% 100 = 42 then '{file}'::text[] end, w.created_at
    from written w
    """
)
HEADS: LiteralString = """
update conversation_heads set last_seq = greatest(last_seq, %(length)s), message_count = message_count + %(length)s
where conversation_id = any (%(channels)s)
"""
# What is generated has no place in the log's order: consumers that have read nothing yet begin after it.
CHECKPOINTS: LiteralString = "update consumer_checkpoints set position = greatest(position, 1)"
GIN: LiteralString = "select pg_get_indexdef('message_search_vector'::regclass)"
READ: LiteralString = (
    "update conversation_members set last_read_seq = %(length)s where conversation_id = any (%(channels)s)"
)
COUNT: LiteralString = "select coalesce(sum(message_count), 0) from conversation_heads where conversation_id = any (%s)"


def schema_key() -> str:
    """A name of the schema: a data set that another schema left behind is not used."""
    statements = b"".join(path.read_bytes() for path in sorted(Path(migrations.__file__).parent.glob("versions/*.sql")))
    return hashlib.sha256(statements).hexdigest()[:8]


def many_conversations(messages: int) -> int:
    """How many conversations so many messages are spread over where there are to be very many: 10,000 for a million."""
    return messages // 100


def conversation_length(messages: int, conversations: int = CONVERSATIONS) -> int:
    """How many messages each of the data set's conversations holds."""
    return messages // conversations


async def ensure_messages(ground: Ground, messages: int, conversations: int = CONVERSATIONS) -> None:
    """Give the ground's data channels this many messages together, unless they have them; takes a minute a million."""
    channels = [UUID(one) for one in await ground.channels("data", conversations)]
    await asyncio.to_thread(_fill, ground, channels, messages)


def _fill(ground: Ground, channels: list[UUID], messages: int) -> None:
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        row = connection.execute(COUNT, (channels,)).fetchone()
        if row is not None and row[0] >= messages:
            return
        if row is not None and row[0] > 0:
            raise RuntimeError(f"{ground.home} holds another data set: remove it.")
        connection.execute("set synchronous_commit = off")
        connection.execute("set session_replication_role = replica")  # foreign keys hold by construction
        connection.execute(SENTENCE_TABLE, {"sentences": SENTENCES})
        connection.execute(SENTENCE_INDEX)
        _write(connection, ground, channels, messages)


def _write(
    connection: psycopg.Connection[tuple[object, ...]], ground: Ground, channels: list[UUID], messages: int
) -> None:
    values = {
        "channels": channels, "conversations": len(channels), "total": messages, "sentences": SENTENCES,
        "org": ground.org_id, "authors": AUTHORS, "stranger": STRANGER,
        "rare": RARE, "rare_count": RARE_COUNT,
    }  # fmt: skip
    index = connection.execute(GIN).fetchone()
    assert index is not None
    connection.execute("drop index message_search_vector")
    for first in range(0, messages, STEP):
        connection.execute(FILL, values | {"first": first, "last": min(first + STEP, messages) - 1})
    connection.execute("set maintenance_work_mem = '512MB'")
    connection.execute(str(index[0]).encode())
    connection.execute(CHECKPOINTS)
    connection.execute("vacuum (analyze) message_records, message_search")
    connection.execute(HEADS, {"length": conversation_length(messages, len(channels)), "channels": channels})
    connection.execute(READ, {"length": conversation_length(messages, len(channels)), "channels": channels})
    connection.execute("checkpoint")
