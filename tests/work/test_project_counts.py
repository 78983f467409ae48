"""Tasks of projects are counted as they change: the counts never drift, and nobody waits for anybody over one."""

from random import Random
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.errors import CheckViolation
from psycopg.rows import TupleRow

from crewhall.work.task_steps import may_become
from crewhall.work.vocabulary import Priority, TaskStatus
from tests.identity.hall import Org
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.work.ground import begun, changed, done, due, listed, wrote
from tests.work.test_task_steps import PATIENT, Foreman, connection

__all__ = ["connection"]
DRIFTED: LiteralString = """
select coalesce(t.status, k.status), t.number, k.number from (
    select status, count(*) as number from tasks where project_id = %(id)s and deleted_at is null group by status) t
full join (
    select status, sum(number) as number from project_task_counts where project_id = %(id)s
    group by status having sum(number) <> 0) k on k.status = t.status
where t.number is distinct from k.number
"""
acts = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(TaskStatus), st.booleans()),
        st.tuples(st.just("move"), st.sampled_from(TaskStatus), st.booleans()),
        st.tuples(st.just("delete"), st.booleans(), st.booleans()),
        st.tuples(st.just("archive"), st.booleans(), st.booleans()),
    ),
    max_size=25,
)


class Undone(Exception):
    """A transaction that is rolled back."""


@pytest.mark.rule("D2")
@PATIENT
@given(acts, st.randoms(use_true_random=False))
def test_counts_are_those_of_the_tasks_whatever_is_done(
    connection: Connection[TupleRow], org: Org, acts: list[tuple[str, TaskStatus | bool, bool]], chance: Random
):
    foreman = Foreman(connection, org)
    written: dict[UUID, TaskStatus] = {}
    for deed, how, is_undone in acts:
        kept = dict(written)
        try:
            with connection.transaction():
                _do(foreman, written, deed, how, chance)
                if is_undone:
                    raise Undone
        except (Undone, CheckViolation):
            written = kept
        assert connection.execute(DRIFTED, {"id": foreman.project}).fetchall() == [], (deed, how)


def _do(foreman: Foreman, written: dict[UUID, TaskStatus], deed: str, how: TaskStatus | bool, chance: Random) -> None:
    task = chance.choice(sorted(written)) if written else None
    if isinstance(how, TaskStatus):
        if deed == "write":
            written[foreman.put(None, how, Priority.MEDIUM)] = how
        elif task is not None and may_become(written[task], how):
            foreman.put(task, how, Priority.MEDIUM)
            written[task] = how
    elif deed == "archive":
        foreman.run("update projects set is_active = %(how)s where id = %(id)s", how=how, id=foreman.project)
    elif task is not None:
        sql: LiteralString = "update tasks set deleted_at = case when %(how)s then now() end where id = %(id)s"
        foreman.run(sql, how=how, id=task)


@pytest.mark.rule("D2")
async def test_two_transactions_count_in_one_project_without_waiting(
    server: Server, org: Org, cluster: SharedCluster, worker_id: str
):
    project = await begun(org.owner)
    tasks = [await wrote(org.owner, project, str(number)) for number in range(4)]
    move: LiteralString = """
    update tasks set status = 'assigned', assigned_user_id = created_by where id = %s
    """
    url = cluster.superuser(f"server_{worker_id}")
    with psycopg.connect(url) as one, psycopg.connect(url) as other:
        for at, connection in enumerate((one, other, one, other)):  # each holds what it counted while the other counts
            connection.execute("set local lock_timeout = '2s'")
            connection.execute(move, (tasks[at]["id"],))
        one.commit()
        other.commit()
        rows = "select count(*) from project_task_counts where project_id = %s and status = 'backlog'"
        assert one.execute(rows, (project["id"],)).fetchone() == (2,), "no more rows than were counting at once"
    (shown,) = await listed(org.owner, "/projects")
    assert shown["tasks"] == {"assigned": 4}


async def test_a_page_shows_what_is_counted_and_what_is_late(server: Server, org: Org, other_org: Org):
    project = await begun(org.owner)
    late = await wrote(org.owner, project, "Late", deadline=due(-1))
    await wrote(org.owner, project, "Early", deadline=due(1))
    settled = await wrote(org.owner, project, "Settled", deadline=due(-1))
    await changed(org.owner, settled, status="cancelled")
    gone = await wrote(org.owner, project, "Gone")
    done(await org.owner.api.delete(f"/tasks/{gone['id']}"))
    (shown,) = await listed(org.owner, "/projects")
    assert (shown["tasks"], shown["late"]) == ({"backlog": 2, "cancelled": 1}, 1)
    done(await org.owner.api.delete(f"/tasks/{late['id']}"))
    (shown,) = await listed(org.owner, "/projects")
    assert (shown["tasks"], shown["late"]) == ({"backlog": 1, "cancelled": 1}, 0)
    async with server.db.transaction(other_org.owner.actor) as tx:
        assert await tx.value("select count(*) from project_task_counts") == 0
    async with server.db.transaction(org.owner.actor) as tx:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await tx.run("update project_task_counts set number = 0")
