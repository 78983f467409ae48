"""The timeline by its other ways in: the client library, tools, the file, the socket."""

import base64
import csv
import io
import json

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crewhall.faces.sdk import Client, CrewhallApiError
from crewhall.kernel.clock import utc_now
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.months import attach_month, detach_month, list_months
from crewhall.work.lifecycle import seconds_to_next_month
from tests.identity.hall import Org
from tests.mcp.visiting import MODERN, done, visit
from tests.support.server import Server, frames_until, token_of
from tests.work.timeline_ground import listed, posted


@pytest.mark.rule("D5", "X4")
async def test_an_agent_reports_asks_advises_and_reads_through_mcp(server: Server, org: Org):
    agent = await server.hire(org)
    async with visit(server.address, agent.key, MODERN) as client:
        problem = await done(
            client, "report_problem", text="The mill is stuck.", severity="high", labels={"machine": "mill"}
        )
        await done(client, "ask_everybody", text="Who has the key?", mentions=[str(org.owner.id)])
        await done(client, "give_advice", text="Clean it.", about=problem["id"])
        found = await done(client, "read_timeline", types=["problem_report", "advice_given"], limit=1)
        assert ([one["text"] for one in found["events"]], found["next"] is not None) == (["Clean it."], True)
        labelled = await done(client, "read_timeline", labels={"machine": "mill"})
        assert [one["id"] for one in labelled["events"]] == [problem["id"]]
    assert [one["author"]["id"] for one in await listed(org.owner.api)] == [agent.id] * 3


@pytest.mark.rule("D5")
async def test_a_program_posts_signs_and_reads(server: Server, org: Org):
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    agent = await server.hire(org, public_key=public)
    async with Client(server.address, token=agent.key) as client:
        with pytest.raises(CrewhallApiError, match="public key"):
            await client.timeline.ask("Who?")
        one = await client.timeline.report_problem(
            "Es klemmt: ä.", severity="low", mentions=[str(org.owner.id)], metadata={"b": [1, "x"], "a": True},
            key=key.private_bytes_raw(),
        )  # fmt: skip
        await client.timeline.advise("Clean it.", about=one.id, key=key.private_bytes_raw())
        found = [found async for found in client.timeline.list(types=["problem_report"], labels={"b": "x"})]
        assert [(event.id, event.signature is not None) for event in found] == [(one.id, True)]
        assert (await client.timeline.show(one.id)).text == "Es klemmt: ä."
        assert len((await client.timeline.types()).items) >= 17


@pytest.mark.rule("B1", "D5")
async def test_it_is_exported_as_far_as_one_sees_it(server: Server, org: Org, other_org: Org):
    first = await posted(org.owner, "=1+1", metadata={"machine": "mill"})
    await posted(org.owner, "second")
    answer = await org.owner.api.get("/timeline/export")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["text"] for row in rows] == ["second", "'=1+1"]
    lines = (await org.owner.api.get("/timeline/export", params={"format": "jsonl", "metadata": "machine=mill"})).text
    assert [json.loads(line)["id"] for line in lines.splitlines()] == [first["id"]]
    assert (await org.owner.api.get("/timeline/export", params={"type": "gossip"})).status_code == 422
    hidden, member = await posted(await server.hire(org, visibility="hidden")), await org.add()
    for who, seen in ((org.owner, True), (member, False), (other_org.owner, False)):
        told = (await who.api.get("/timeline/export", params={"format": "jsonl"})).text
        assert (hidden["id"] in told) is seen
    assert (await server.client().get("/timeline/export")).status_code == 401


async def test_who_is_connected_hears_that_it_grew_and_nothing_of_what(server: Server, org: Org):
    member = await org.add()
    async with server.live(token_of(member.api)) as socket:
        await socket.send('{"type":"ping"}')
        await frames_until(socket, "pong")
        await posted(org.owner, "Between us.")
        (frame,) = [one for one in await frames_until(socket, "timeline", whole=True) if one.get("event") == "timeline"]
    assert frame["conversation"] is None
    assert frame.keys() == {"type", "conversation", "event", "actor"}
    assert frame["actor"]["type"] == "system"


@pytest.mark.rule("D16")
async def test_a_month_that_is_over_is_detached_and_attached_again(server: Server, org: Org):
    month, now = "2019-03", f"{utc_now():%Y-%m}"
    with psycopg.connect(server._urls.admin, autocommit=True) as connection:
        connection.execute("select ensure_event_month('2019-03-05')")
        connection.execute(
            "insert into events (id, org_id, type, content, timestamp)"
            " values (gen_random_uuid(), %s, 'session_log', '{\"message\": \"old\"}', '2019-03-05')",
            (org.id,),
        )
        old = await listed(org.owner.api, until="2020-01-01T00:00:00Z")
        for wrong in (now, "2019-04", "2019-13", "events"):
            with pytest.raises(CrewhallError):
                detach_month(connection, "events", wrong)
        with pytest.raises(CrewhallError):
            attach_month(connection, "events", month)
        assert detach_month(connection, "events", month) == "detached_events_2019_03"
        assert await listed(org.owner.api, until="2020-01-01T00:00:00Z") == []
        standing = {one.month: one.is_attached for one in list_months(connection, "events")}
        assert (standing[month], standing[now]) == (False, True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with server.db.transaction(org.owner.actor) as tx:
                await tx.run("select * from detached_events_2019_03")
        attach_month(connection, "events", month)
        assert await listed(org.owner.api, until="2020-01-01T00:00:00Z") == old
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from events where timestamp < '2020-01-01'")


@pytest.mark.rule("D16")
def test_partitions_are_made_when_the_month_begins():
    now = utc_now()
    assert seconds_to_next_month(now.replace(month=12, day=31, hour=23, minute=59, second=0, microsecond=0)) == 60
    assert seconds_to_next_month(now.replace(month=1, day=31, hour=12, minute=0, second=0, microsecond=0)) == 43_200
