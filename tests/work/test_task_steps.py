"""Steps of tasks: what the machine allows is what the database takes, and what waits is always counted right."""

from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.errors import CheckViolation
from psycopg.rows import TupleRow

from crewhall.kernel.ids import new_id
from crewhall.work.task_steps import FOLLOWS, may_become
from crewhall.work.vocabulary import SETTLED, Priority, TaskStatus
from tests.identity.hall import Org
from tests.support.server import Server

S = TaskStatus
INSERT: LiteralString = """
insert into tasks (id, org_id, project_id, number, status, priority, title, assigned_agent_id, assigned_user_id,
                   blocked_reason, created_by_type, created_by, created_by_name)
values (%(id)s, %(org)s, %(project)s, 0, %(status)s, %(priority)s, 'Task', %(agent)s, %(user)s, %(reason)s, 'user',
        %(by)s, 'Ada')
"""
UPDATE: LiteralString = """
update tasks set status = %(status)s, priority = %(priority)s, assigned_agent_id = %(agent)s,
    assigned_user_id = %(user)s, blocked_reason = %(reason)s where id = %(id)s
"""
COUNTED: LiteralString = """
select t.id from tasks t where t.waits_for <> (
    select count(*) from task_dependencies d join tasks b on b.id = d.blocked_by
    where d.task_id = t.id and b.status not in ('completed', 'cancelled') and b.deleted_at is null)
"""
REQUIRED = {S.ASSIGNED, S.IN_PROGRESS}
standings = st.tuples(st.sampled_from(S), st.booleans(), st.sampled_from(Priority))
"""A status, whether it is the agent's, a priority."""
deeds = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(0, 3), st.sampled_from(S)),
        st.tuples(st.just("wait"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("free"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.just("delete"), st.integers(0, 3), st.booleans()),
    ),
    max_size=25,
)
PATIENT = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Foreman:
    """Writes tasks of one project as the application role."""

    def __init__(self, connection: Connection[TupleRow], org: Org) -> None:
        self.connection, self.org, self.agent, self.project = connection, org, new_id(), new_id()
        values = {"org": org.id, "id": self.project, "agent": self.agent, "slug": f"p-{self.project}"}
        self.run("insert into projects (id, org_id, name, slug) values (%(id)s, %(org)s, 'P', %(slug)s)", **values)
        self.run("insert into project_numbers (project_id, org_id) values (%(id)s, %(org)s)", **values)
        self.run(
            "insert into agents (id, org_id, code, name) values (%(agent)s, %(org)s, %(slug)s, %(slug)s)", **values
        )

    def run(self, sql: LiteralString, **values: Any) -> int:
        with self.connection.transaction():
            return self.connection.execute(sql, values).rowcount

    def put(self, task: UUID | None, status: TaskStatus, priority: Priority, *, agent: bool = False) -> UUID:
        """Write a task, or change one; where it must be somebody's and is not the agent's it is the owner's."""
        task_id = task or new_id()
        user = self.org.owner.id if status in REQUIRED and not agent else None
        values = {
            "id": task_id, "org": self.org.id, "project": self.project, "status": str(status), "user": user,
            "priority": str(priority), "agent": self.agent if agent else None, "by": self.org.owner.id,
            "reason": "So." if status is S.BLOCKED else None,
        }  # fmt: skip
        self.run(UPDATE if task else INSERT, **values)
        return task_id


@pytest.fixture
def connection(server: Server, org: Org):
    with psycopg.connect(server.db.url, autocommit=True) as made:
        made.execute(
            """
            select set_config('crewhall.orgs', %s, false), set_config('crewhall.actor', %s, false),
                   set_config('crewhall.actor_type', 'user', false), set_config('crewhall.role', 'owner', false)
            """,
            (f"{{{org.id}}}", str(org.owner.id)),
        )
        yield made


def test_what_is_settled_is_reopened_before_it_is_worked_on():
    assert set(FOLLOWS) == {None, *S}
    assert not [after for before in SETTLED for after in (S.IN_PROGRESS, S.BLOCKED) if may_become(before, after)]
    assert not [after for after in SETTLED if may_become(None, after)]


@pytest.mark.rule("D8")
@PATIENT
@given(st.lists(standings, min_size=1, max_size=10))
def test_the_database_takes_what_the_machine_allows(
    connection: Connection[TupleRow], org: Org, tries: list[tuple[TaskStatus, bool, Priority]]
):
    foreman, task, before = Foreman(connection, org), None, None
    for status, has_agent, priority in tries:
        agent = has_agent and status is not S.BACKLOG
        if not may_become(before, status):
            with pytest.raises(CheckViolation) as refused:
                foreman.put(task, status, priority, agent=agent)
            assert refused.value.diag.constraint_name == "tasks_step"
            continue
        task = foreman.put(task, status, priority, agent=agent)
        before = status
        found = connection.execute("select completed_at is not null from tasks where id = %s", (task,)).fetchone()
        assert found == (status is S.COMPLETED,)


@pytest.mark.rule("D3")
@PATIENT
@given(st.lists(standings, min_size=1, max_size=10))
def test_no_row_gives_a_critical_task_to_an_agent_on_probation(
    connection: Connection[TupleRow], org: Org, tries: list[tuple[TaskStatus, bool, Priority]]
):
    foreman, task, before = Foreman(connection, org), None, None
    foreman.run("update agents set status = 'probation' where id = %(id)s", id=foreman.agent)
    for status, has_agent, priority in tries:
        agent = has_agent and status is not S.BACKLOG
        if not may_become(before, status):
            continue
        if agent and priority is Priority.CRITICAL and status not in SETTLED:
            with pytest.raises(CheckViolation) as refused:
                foreman.put(task, status, priority, agent=agent)
            assert refused.value.diag.constraint_name == "tasks_probation"
            continue
        task, before = foreman.put(task, status, priority, agent=agent), status


@pytest.mark.parametrize("assignment", ["project_id = gen_random_uuid()", "number = 7", "status = 'asleep'",
                                        "status = 'assigned'", "status = 'blocked'", "waits_for = -1"])  # fmt: skip
def test_the_database_refuses_what_no_task_may_be(
    connection: Connection[TupleRow], org: Org, assignment: LiteralString
):
    foreman = Foreman(connection, org)
    task = foreman.put(None, S.BACKLOG, Priority.LOW)
    with pytest.raises(CheckViolation):
        foreman.run("update tasks set " + assignment + " where id = %(id)s", id=task)
    for table in ("projects", "tasks"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            foreman.run("delete from " + table)


@PATIENT
@given(deeds)
def test_what_waits_is_counted_and_never_goes_round(
    connection: Connection[TupleRow], org: Org, deeds: list[tuple[str, int, Any]]
):
    foreman = Foreman(connection, org)
    tasks = [foreman.put(None, S.BACKLOG, Priority.LOW) for _ in range(4)]
    for deed, at, what in deeds:
        values = {"org": org.id, "task": tasks[at], "other": tasks[what % 4] if deed in {"wait", "free"} else None}
        try:
            if deed == "move":
                foreman.put(tasks[at], what, Priority.LOW)
            elif deed == "wait":
                foreman.run(
                    "insert into task_dependencies (org_id, task_id, blocked_by) values (%(org)s, %(task)s, %(other)s) "
                    "on conflict do nothing",
                    **values,
                )
            elif deed == "free":
                foreman.run(
                    "delete from task_dependencies where task_id = %(task)s and blocked_by = %(other)s", **values
                )
            else:
                foreman.run(
                    "update tasks set deleted_at = case when %(gone)s then now() end where id = %(task)s",
                    gone=what, **values,
                )  # fmt: skip
        except CheckViolation:
            pass  # which is what is tested: nothing below is broken by it
    assert connection.execute(COUNTED).fetchall() == []
    after: dict[UUID, set[UUID]] = {task: set() for task in tasks}
    for task, blocker in connection.execute("select task_id, blocked_by from task_dependencies").fetchall():
        if task in after:
            after[task].add(blocker)
    left = set(tasks)
    while free := {task for task in left if not after[task] & left}:
        left -= free
    assert left == set()  # each could be done, in some order
