"""Who runs the installation sees how it runs; nobody else does, wherever they ask."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from crewhall.identity.concerns import concerns_of
from crewhall.identity.first_run import prepare_first_run
from crewhall.identity.schemas_installation import (
    DatabaseStanding,
    DiskSpace,
    Follower,
    Installation,
    LogStanding,
    NewestDump,
    Queue,
    RunningProcess,
)
from crewhall.kernel.actor import system_actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.ids import new_id
from crewhall.kernel.process_kinds import ProcessKind
from tests.identity.hall import BASE_URL, Hall, Org
from tests.identity.test_first_run import OWNER
from tests.support.installation import begun_with
from tests.support.server import Server

NOW = utc_now()
PAGE = {"accept": "text/html"}


@pytest.fixture
async def ours(server: Server, org: Org) -> AsyncIterator[Org]:
    """The organization that the installation began with, for as long as the test lasts."""
    async with begun_with(server, org.id):
        yield org


def process(kind: ProcessKind = ProcessKind.UP, **fields: Any) -> RunningProcess:
    known = {"version": "1.0", "host": "hall-1", "pid": 7, "region": None, "log_lag": 0, "log_stopped": 0}
    return RunningProcess(id=new_id(), kind=kind, started_at=NOW, **{**known, **fields})


WELL = Installation(
    version="1.0",
    processes=[process()],
    log=LogStanding(engine="postgres", lag=0, stopped=0),
    followers=[Follower("search", None), Follower("turns", 2.5)],
    queues=[Queue("turns", 3)],
    database=DatabaseStanding(is_built_in=True, size_bytes=10, dump=NewestDump(NOW, 5)),
    disk=DiskSpace(50, 100),
    concerns=[],
)
IN_KAFKA = LogStanding(engine="kafka", lag=0, stopped=0, conversations=4, unsettled=0, refused=0)


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (WELL, []),
        (replace(WELL, processes=[process(ProcessKind.SERVE)]), ["no_worker"]),
        (replace(WELL, processes=[process(ProcessKind.SERVE), process(ProcessKind.WORKER)]), []),
        (replace(WELL, log=IN_KAFKA), []),
        (
            replace(WELL, log=IN_KAFKA, processes=[process(ProcessKind.SERVE), process(ProcessKind.WORKER)]),
            ["no_projector"],
        ),
        (replace(WELL, processes=[process(), process(version=None)]), ["versions"]),
        (replace(WELL, log=IN_KAFKA, processes=[process(log_stopped=1)]), ["log_stopped"]),
        (replace(WELL, log=replace(IN_KAFKA, lag=1001, refused=1)), ["log_behind", "log_refused"]),
        (replace(WELL, followers=[Follower("search", 61.0)]), ["behind"]),
        (replace(WELL, disk=DiskSpace(9, 100)), ["disk"]),
        (replace(WELL, disk=None), []),
        (replace(WELL, database=replace(WELL.database, dump=None)), ["no_dump"]),
        (replace(WELL, database=DatabaseStanding(is_built_in=False, size_bytes=10, dump=None)), []),
        (replace(WELL, database=replace(WELL.database, dump=NewestDump(NOW - timedelta(days=8), 5))), ["old_dump"]),
    ],
)
def test_what_somebody_has_to_look_at_is_said(found: Installation, codes: list[str]) -> None:
    assert [one.code for one in concerns_of(found, NOW)] == codes


async def test_its_owner_sees_the_process_that_answers(server: Server, ours: Org) -> None:
    found = (await ours.owner.api.get("/installation")).raise_for_status().json()
    assert [one["kind"] for one in found["processes"]] == ["up"]
    (own,) = found["processes"]
    assert own["version"] == found["version"]
    assert own["host"]
    assert own["pid"]
    assert found["log"] == {
        "engine": "postgres", "lag": 0, "stopped": 0, "conversations": None, "unsettled": None, "refused": None,
    }  # fmt: skip
    assert {"search", "turns", "notifications"} <= {one["name"] for one in found["followers"]}
    assert {one["name"] for one in found["queues"]} == {"turns", "documents", "github", "imports"}
    assert found["database"]["size_bytes"] > 0


@pytest.mark.rule("B1", "E1")
async def test_nobody_else_learns_how_it_runs(server: Server, ours: Org) -> None:
    admin, member = await ours.add("admin"), await ours.add("member")
    agent = await server.hire(ours)
    other = await server.make_org()
    for one in (admin, member, agent, other.owner):
        answer = await one.api.get("/installation")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
        assert "crewhall status" in answer.json()["detail"]
    for actor in (admin.actor, member.actor, other.owner.actor):
        async with server.db.transaction(actor) as tx:
            assert await tx.values("select waiting from installation_queues(10)") == []
            assert await tx.values("select ready from installation_topics(10)") == []
    assert (await server.client().get("/installation")).status_code == 401


async def test_the_page_is_offered_to_its_owner_alone(server: Server, ours: Org) -> None:
    other = await server.make_org()
    for owner, may in ((ours.owner, True), (other.owner, False), (await ours.add("admin"), False)):
        client, _ = await server.browse(owner)
        settings = await client.get(f"{server.address}/settings/organization", headers=PAGE)
        assert ("/settings/installation" in settings.text) is may
        page = await client.get(f"{server.address}/settings/installation", headers=PAGE)
        assert page.status_code == (200 if may else 403)
        assert ("What waits for a process" in page.text) is may


async def test_the_first_run_says_whose_it_is(fresh_hall: Hall) -> None:
    await prepare_first_run(fresh_hall.db, OWNER, BASE_URL)
    async with fresh_hall.db.transaction(None) as tx:
        known = await tx.value("select begun_with from installation")
    async with fresh_hall.db.transaction(system_actor(known)) as tx:
        assert await tx.values("select id from organizations") == [known]
