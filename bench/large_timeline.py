"""Events of two years, made within the database: a hundred authors, some types and labels common, some rare."""

from typing import LiteralString

import psycopg

from bench.ground import Ground

PORTION = 250_000
OTHERS = 10
"""For so many events, another tenant has one that is alike."""
MONTHS: LiteralString = "select ensure_event_month(now() - n * interval '1 month') from generate_series(0, 24) n"
ROWS: LiteralString = """
insert into events (id, org_id, type, author_type, author_id, author_name, session_id, content, mentions, metadata,
                    "timestamp")
select gen_random_uuid(), case when n %% %(others)s = 9 then %(other)s::uuid else %(org)s::uuid end,
       case when n %% 20000 = 7 then 'problem_report' when n %% 5 = 0 then 'task_completed' else 'session_log' end,
       'user', bench_event_id(n * 7 %% 100), 'Author', bench_event_id(1000 + n / 200),
       case when n %% 20000 = 7 then jsonb_build_object('text', 'It is stuck.')
            when n %% 5 = 0 then jsonb_build_object('task_id', bench_event_id(n), 'title', 'Task ' || n)
            else jsonb_build_object('message', 'Step ' || n) end,
       case when n %% 10 = 3 then array[bench_event_id(n * 7 %% 100)]
            when n %% 50000 = 11 then array[bench_event_id(999)] else '{}' end,
       jsonb_build_object('service', case when n %% 30000 = 5 then 'billing' else 'shop' end, 'shift', n %% 300),
       now() - n * (interval '730 days' / %(events)s::bigint)
from generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
MAKE: LiteralString = """
create or replace function bench_event_id(n bigint) returns uuid language sql immutable as
    $$ select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""


def fill(ground: Ground, events: int) -> None:
    """Make the events, once in a home."""
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        connection.execute(MAKE)
        known = connection.execute("select count(*) from (select from events limit 1) e").fetchone()
        if known and known[0]:
            return
        connection.execute(MONTHS)
        values = {
            "org": ground.org_id,
            "other": "01900000-0000-7000-8000-ffffffffffff",
            "others": OTHERS,
            "events": events,
        }
        for first in range(0, events, PORTION):
            last = min(first + PORTION, events) - 1
            psycopg.ClientCursor(connection).execute(ROWS, values | {"first": first, "last": last})
        connection.execute("vacuum analyze events")
