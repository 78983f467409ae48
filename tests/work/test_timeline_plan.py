"""The timeline over 120,000 events of two organizations: each filter by its index, whatever it names."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import SET_SCOPE, scope_of
from crewhall.kernel.ids import new_id
from tests.identity.hall import Hall
from tests.support.database import SharedCluster

MOST_VISITS, MOST_WALKED = 600, 6_500
"""So many visits to pages of the database one page of events may take: by an index, or walking on among thousands."""
MONTHS = "select ensure_event_month(now() - n * interval '1 month') from generate_series(1, 7) n"
EVENTS, PORTION = 120_000, 10_000
"""A portion is a transaction: a long one would hold back whoever follows a log in the same cluster."""
ROWS = """
insert into events (id, org_id, type, author_type, author_id, author_name, session_id, content, mentions, metadata,
                    "timestamp")
select gen_random_uuid(), (%(orgs)s::uuid[])[1 + n %% 2],
       case when n %% 5000 < 2 then 'problem_report' when n %% 3 = 0 then 'session_log' else 'task_completed' end,
       'user',
       case when n %% 4000 < 2 then %(rare)s::uuid else %(common)s::uuid end, 'Ada',
       case when n %% 4000 < 2 then %(rare)s::uuid end, jsonb_build_object('message', 'event ' || n),
       case when n %% 6000 < 2 then array[%(rare)s::uuid] when n %% 4 < 2 then array[%(common)s::uuid] else '{}' end,
       jsonb_build_object('machine', case when n %% 6000 < 2 then 'press' else 'mill' end, 'shift', n %% 7,
                          'lot', n %% 120),
       now() - n * interval '150 seconds'
from generate_series(%(first)s, %(first)s + %(portion)s - 1) n
"""
CALL = """
select * from timeline_events(%(types)s, %(author)s, null, %(session)s, null, null, %(mention)s, %(labels)s, %(since)s,
                              null, null, null, %(forwards)s, %(size)s)
"""
NOTHING = {
    "types": None, "author": None, "session": None, "mention": None, "labels": "[]", "since": None, "forwards": False,
    "size": 51,
}  # fmt: skip


PRELOAD = (
    "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 "
    "-c auto_explain.log_nested_statements=on"
)


class Filled:
    """Two organizations with as many events each, alike but for whose they are."""

    def __init__(self, superuser: str, actor: Actor, rare: UUID, common: UUID) -> None:
        self._superuser, self._actor = superuser, actor
        self.named = {"rare": rare, "common": common}

    def ask(self, **asked: Any) -> tuple[int, int, str]:
        """How many events are found, how many pages of the database that touches, and the plans of what ran within."""
        notices: list[str] = []
        with psycopg.connect(self._superuser, options=PRELOAD) as connection:
            connection.execute("set role crewhall_app")
            connection.execute(SET_SCOPE, scope_of(self._actor))
            ask = psycopg.ClientCursor(connection)
            ask.execute(CALL, NOTHING | asked)  # what it reads of the catalogs
            ask.execute("explain (analyze, buffers, format json) " + CALL, NOTHING | asked)
            plan: Any = ask.fetchone()[0][0]["Plan"]  # type: ignore[index]
            connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
            connection.execute("set client_min_messages = log")
            ask.execute(CALL, NOTHING | asked)
            connection.rollback()
        touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return plan["Actual Rows"], touched, "\n".join(one for one in notices if "from events e" in one)


@pytest.fixture
async def filled(cluster: SharedCluster, worker_id: str) -> Filled:
    name = f"timeline_plan_{worker_id}"
    urls = cluster.clone(name)
    rare, common = new_id(), new_id()
    async with Hall(urls.app) as hall:
        first, second = await hall.make_org(), await hall.make_org("Second")
    with psycopg.connect(cluster.superuser(name), autocommit=True) as connection:
        connection.execute(MONTHS)
        values = {"orgs": [first.id, second.id], "rare": rare, "common": common, "portion": PORTION}
        for start in range(0, EVENTS, PORTION):
            psycopg.ClientCursor(connection).execute(ROWS, values | {"first": start})
        connection.execute("analyze events")
    return Filled(cluster.superuser(name), first.owner.actor, rare, common)


ASKED: list[tuple[dict[str, Any], int | None, str]] = [
    ({}, 51, "timestamp_id_idx"),
    ({"forwards": True}, 51, "timestamp_id_idx"),
    ({"types": ["session_log"]}, 51, "type_timestamp_id_idx"),
    ({"types": ["problem_report"]}, 24, "type_timestamp_id_idx"),
    ({"types": ["problem_report", "session_log", "task_completed"]}, 51, "type_timestamp_id_idx"),
    ({"author": "common"}, 51, "timestamp_id_idx"),
    ({"author": "rare"}, 30, "author_id_timestamp_id_idx"),
    ({"session": "rare"}, 30, "session_id_timestamp_id_idx"),
    ({"mention": "common"}, 51, "timestamp_id_idx"),
    ({"mention": "rare"}, 20, "mentions_idx"),
    ({"labels": '[["machine", "mill"]]'}, 51, "timestamp_id_idx"),
    ({"labels": '[["machine", "press"]]'}, 20, "labels_idx"),
    ({"labels": '[["machine", "nothing"]]'}, 0, "labels_idx"),
    ({"labels": '[["lot", "20"]]'}, 51, "timestamp_id_idx"),
    ({"labels": '[["lot", "20"]]', "size": 2000}, 1000, "labels_idx"),
    ({"labels": '[["lot", "20"]]', "size": 2000, "forwards": True}, 1000, "labels_idx"),
    ({"labels": '[["machine", "press"], ["shift", "3"]]', "author": "common"}, None, "labels_idx"),
]


@pytest.mark.rule("D5")
@pytest.mark.timeout(240)
def test_each_filter_goes_by_its_index(filled: Filled):
    for asked, count, index in ASKED:
        goes_by(filled, asked, count, index)


def goes_by(filled: Filled, asked: dict[str, Any], count: int | None, index: str) -> None:
    """One filter finds so many, by this index, and reads little."""
    values = {key: filled.named.get(value, value) if isinstance(value, str) else value for key, value in asked.items()}
    found, touched, plans = filled.ask(**values)
    assert count is None or found == count
    assert "Seq Scan on events" not in plans
    assert index in plans, plans
    is_walked = "mention" in asked or "labels" in asked
    assert touched < (MOST_WALKED if is_walked else MOST_VISITS), (touched, plans)
