"""Each administrative act is told once in #audit, to owners and admins alone, whatever is killed when."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crewhall.conversations import ConversationParts
from crewhall.conversations.audit_channel import AuditTeller, AuditWatch
from crewhall.conversations.consumers import Consumer
from crewhall.kernel import audit
from crewhall.kernel.actor import SYSTEM_ID
from crewhall.kernel.errors import UNAVAILABLE
from tests.conversations.ways import caught_up, join, post
from tests.identity.hall import Member, Org
from tests.live.test_socket import say
from tests.support.database import SharedCluster
from tests.support.server import Server, frames_until, token_of
from tests.support.waiting import until

INVITED = "zebedee@example.org"


async def audit_of(org: Org) -> str:
    """The id of the organization's #audit, as its owner lists it."""
    items = (await org.owner.api.get("/conversations", params={"kind": "channel"})).json()["items"]
    return next(str(item["id"]) for item in items if item["type"] == "system")


async def told(server: Server, org: Org, reader: Member | None = None) -> list[dict[str, Any]]:
    """The messages of #audit, when all acts are told."""
    await caught_up(server.db, "audit")
    path = f"/conversations/{await audit_of(org)}/messages"
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = (await (reader or org.owner).api.get(path, params={"after": after, "limit": 100})).json()["items"]
        found += page
        if not page:
            return found


async def acts_of(org: Org) -> list[str]:
    """The ids of every act in the audit log, oldest first."""
    ids, after = [], None
    while True:
        page = (await org.owner.api.get("/audit", params={"limit": 200, **({"after": after} if after else {})})).json()
        ids += [item["id"] for item in page["items"]]
        if (after := page["next"]) is None:
            return ids[::-1]


async def write_acts(server: Server, org: Org, count: int, prefix: str = "act") -> None:
    """Write many acts in one transaction."""
    async with server.db.transaction(org.owner.actor) as tx:
        for number in range(count):
            await audit.record(tx, org.owner.actor, "organization.created", details={"name": f"{prefix} {number}"})


async def rewind(server: Server) -> None:
    """As if the process had been killed after posting and before its checkpoint: everything is to be told again."""
    async with server.db.transaction(None) as tx:
        await tx.run("update consumer_checkpoints set position = 0 where consumer = 'audit'")


def client_ids(messages: list[dict[str, Any]]) -> list[str]:
    return [message["client_id"].removeprefix("audit:") for message in messages]


@pytest.mark.rule("E3", "C10")
async def test_every_act_is_told_once_in_words(server: Server, org: Org):
    agent = await server.hire(org, "scout")
    messages = await told(server, org)
    assert client_ids(messages) == await acts_of(org)
    last = messages[-1]
    assert last["content"] == "Ada Lovelace created a key for agent scout."
    assert last["html"] == "<p>Ada Lovelace created a key for agent scout.</p>"
    assert (last["kind"], last["role"], last["status"], last["mentions"]) == ("update", "system", "sent", [])
    assert last["author"] == {"type": "system", "id": str(SYSTEM_ID), "name": "Crewhall"}
    owner = {"type": "user", "id": str(org.owner.id), "name": "Ada Lovelace"}
    assert last["metadata"]["action"] == "agent.credential_created"
    assert last["metadata"]["actor"] == owner
    texts = [message["content"] for message in messages]
    assert "Ada Lovelace created #general." in texts
    assert "Ada Lovelace created agent scout." in texts
    assert "Ada Lovelace created the inbox of agent scout." in texts
    assert agent.key not in str(messages)


@pytest.mark.rule("E3", "C10", "B1")
async def test_only_owners_and_admins_read_it_by_any_way(server: Server, org: Org, other_org: Org):
    admin, member, agent = await org.add("admin"), await join(server, org), await server.hire(org)
    channel = await audit_of(org)
    invited = (await org.owner.api.post("/invitations", json={"email": INVITED})).json()
    path = f"/conversations/{channel}"
    for reader in (org.owner, admin):
        assert "Ada Lovelace invited zebedee@example.org as member." in [
            m["content"] for m in await told(server, org, reader)
        ]
        assert (await reader.api.get("/search", params={"q": INVITED, "conversation": channel})).status_code == 200
    await caught_up(server.db, "search")
    hits = (await admin.api.get("/search", params={"q": INVITED})).json()["items"]
    assert [hit["conversation"]["name"] for hit in hits] == ["audit"]
    for stranger in (member, agent, other_org.owner):
        for ask in (path, f"{path}/messages", f"{path}/members", f"{path}/pins", f"{path}/stream"):
            assert (await stranger.api.get(ask)).status_code == 404, ask
        assert (await stranger.api.get("/search", params={"q": INVITED})).json()["items"] == []
        listed = (await stranger.api.get("/conversations")).json()["items"]
        assert channel not in [item["id"] for item in listed]
        async with server.live(token_of(stranger.api)) as socket:
            await socket.send(say("subscribe", conversation=channel, after=0))
            (refused,) = await frames_until(socket, "error")
            assert refused["code"] == "not_found"
    assert invited["token"] not in str(await told(server, org))


@pytest.mark.rule("E3", "E5")
async def test_what_was_told_stays_as_it_is(server: Server, org: Org):
    """Not even the owner changes, removes, pins, answers or marks what stands there."""
    admin, channel = await org.add("admin"), await audit_of(org)
    before = await told(server, org)
    path = f"/conversations/{channel}/messages"
    for someone in (org.owner, admin):
        api, message = someone.api, f"{path}/{before[0]['id']}"
        refused = [
            await api.patch(message, json={"content": "nothing happened"}),
            await api.delete(message),
            await api.put(f"{message}/pin"),
            await api.put(f"{message}/reactions/👍"),
            await api.post(path, json={"content": "no", "parent_id": before[0]["id"]}),
        ]
        assert [answer.status_code for answer in refused] == [403] * 5
        assert {answer.json()["code"] for answer in refused} == {"forbidden"}
    assert await told(server, org) == before


@pytest.mark.rule("E3")
async def test_who_is_admin_no_more_reads_it_no_more(server: Server, org: Org):
    admin, channel = await org.add("admin"), await audit_of(org)
    assert (await admin.api.get(f"/conversations/{channel}/messages")).status_code == 200
    (await org.owner.api.patch(f"/people/{admin.id}", json={"role": "member"})).raise_for_status()
    assert (await admin.api.get(f"/conversations/{channel}/messages")).status_code == 404


@pytest.mark.rule("E3")
async def test_an_act_arrives_live(server: Server, org: Org):
    channel = await audit_of(org)
    async with server.live(token_of(org.owner.api)) as socket:
        await socket.send(say("subscribe", conversation=channel))
        await frames_until(socket, "resumed")
        (await org.owner.api.patch(f"/organizations/{org.id}", json={"description": "We count."})).raise_for_status()
        while (frame := (await frames_until(socket, "record"))[-1])["record"]["metadata"][
            "action"
        ] != "organization.updated":
            pass
        assert frame["record"]["content"] == "Ada Lovelace changed the organization: description."


@pytest.mark.rule("E3", "X1")
async def test_acts_told_before_a_crash_are_not_told_again(server: Server, org: Org):
    await write_acts(server, org, 3)
    before = await told(server, org)
    (await org.owner.api.patch("/me", json={"name": "Ada Byron"})).raise_for_status()
    await rewind(server)
    await write_acts(server, org, 1, "late")
    after = await told(server, org)
    assert after[: len(before)] == before
    assert client_ids(after) == await acts_of(org)


class Dying:
    """A log that goes away in the middle of a batch."""

    def __init__(self, log: Any, after: int) -> None:
        self._log, self._left = log, after

    async def append(self, record: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise UNAVAILABLE("The database is away.")
        return await self._log.append(record)


@pytest.mark.rule("X1")
async def test_a_batch_that_breaks_off_is_told_in_full_later(server: Server, org: Org):
    consumer = next(c for c in server.services.part(ConversationParts).consumers if c.name == "audit")
    await consumer.stop()
    try:
        await write_acts(server, org, 20)
        with pytest.raises(Exception, match="away"):
            await AuditTeller(server.db, Dying(server.services.log, 7)).step()  # type: ignore[arg-type]
    finally:
        consumer.start()
    assert sorted(client_ids(await told(server, org))) == await acts_of(org)


@pytest.mark.rule("E3")
async def test_many_acts_of_one_transaction_and_of_many_are_all_told_in_order(server: Server, org: Org):
    await write_acts(server, org, 1200, "bulk")
    await asyncio.gather(*[write_acts(server, org, 5, f"tx {number}") for number in range(30)])
    messages = await told(server, org)
    assert len(messages) == len(set(client_ids(messages)))
    assert sorted(client_ids(messages)) == await acts_of(org)
    bulk = [message["content"] for message in messages if "bulk" in message["content"]]
    assert bulk == [f"Ada Lovelace created the organization bulk {number}." for number in range(1200)]


@pytest.mark.rule("E3")
async def test_an_act_that_commits_late_is_not_skipped(server: Server, org: Org):
    """Ids are made before the commit: an act with a smaller one may be seen after greater ones were told."""
    async with server.db.transaction(org.owner.actor) as tx:
        await audit.record(tx, org.owner.actor, "organization.created", details={"name": "slow"})
        await write_acts(server, org, 2, "quick")
    assert sorted(client_ids(await told(server, org))) == await acts_of(org)


@pytest.mark.rule("E3")
@pytest.mark.parametrize("loss", ["deleted", "retired", "shadowed"])
async def test_a_lost_channel_stops_nothing(server: Server, org: Org, other_org: Org, loss: str):
    channel = await audit_of(org)
    await told(server, org)
    async with server.db.transaction(org.owner.actor) as tx:
        if loss == "retired":
            await server.services.log.retire(tx, org.id, UUID(channel))
        else:
            await tx.run("update conversations set deleted_at = now() where id = %(id)s", {"id": channel})
    if loss == "shadowed":  # a public channel of the name is not Crewhall's
        shadow = await server.channel(org.owner, name="audit")
    await write_acts(server, org, 3)
    await write_acts(server, other_org, 3)
    assert client_ids(await told(server, other_org)) == await acts_of(other_org)
    if loss == "shadowed":
        assert (await org.owner.api.get(f"/conversations/{shadow}/messages")).json()["items"] == []


async def test_acts_with_any_words_in_them_are_told(server: Server, org: Org):
    odd = {
        "name": "**x** <script>alert(1)</script> [a](http://evil.example) @ada\n# big",
        "changed": [1, None, {"a": []}],
    }
    async with server.db.transaction(org.owner.actor) as tx:
        for action in ("organization.created", "organization.updated", "nobody.knows", ""):
            await audit.record(tx, org.owner.actor, action, "thing", "not-a-uuid", odd)
        await audit.record(tx, org.owner.actor, "login.ended", details={"reason": ["x"], "agent_id": 7})
    first, second, third, fourth, fifth = (await told(server, org))[-5:]
    assert first["html"] == (
        "<p>Ada Lovelace created the organization **x** &lt;script&gt;alert(1)&lt;/script&gt; "
        "[a](http://evil.example) @ada # big.</p>"
    )
    assert "None" in second["content"]
    assert third["content"] == "Ada Lovelace did nobody.knows."
    assert fifth["content"] == "Ada Lovelace ended a login: x."
    assert fourth["metadata"]["action"] == ""


async def test_acts_wake_the_consumer_and_posts_do_not(server: Server, org: Org):
    signals, notices, steps = server.services.signals, [], []
    signals.subscribe(audit.CHANNEL, notices.append)
    await write_acts(server, org, 1)
    await until(lambda: asyncio.sleep(0, notices))  # those of earlier acts came before it
    await told(server, org)

    async def step() -> int:
        steps.append(1)
        return 0

    consumer = Consumer("audit", server.db, AuditWatch(signals).watch, step)
    consumer.start()
    try:
        await until(lambda: asyncio.sleep(0, steps))
        before = len(notices)
        await post(org.owner, await server.general(org))
        await caught_up(server.db, "search")
        assert (len(steps), len(notices)) == (1, before)
        await write_acts(server, org, 1)
        await until(lambda: asyncio.sleep(0, len(steps) > 1))
    finally:
        await consumer.stop()


@pytest.mark.rule("E3", "X1")
async def test_two_processes_tell_each_act_once(cluster: SharedCluster, worker_id: str):
    urls = cluster.clone(f"audit_pair_{worker_id}")
    async with Server(urls) as first, Server(urls) as second:
        org = await first.make_org()
        await asyncio.gather(*[write_acts(side, org, 40, f"{n}") for n in range(4) for side in (first, second)])
        (await first.client(token_of(org.owner.api)).patch("/me", json={"timezone": "UTC"})).raise_for_status()
        messages = await told(second, org)
        assert len(messages) >= 320
        assert sorted(client_ids(messages)) == await acts_of(org)


def test_in_a_restored_database_later_acts_come_later(cluster: SharedCluster, worker_id: str):
    """Another cluster counts its transactions anew: positions go on from the greatest act."""
    greatest = 10**12
    with psycopg.connect(cluster.clone(f"restored_{worker_id}").admin, autocommit=True) as admin:
        admin.execute("insert into organizations (id, slug, name) values (uuidv7(), 'restored', 'Restored')")
        admin.execute(
            """
            insert into audit_log (id, org_id, actor_type, actor_id, action, position)
            select uuidv7(), id, 'system', id, 'organization.updated', %(position)s from organizations
            """,
            {"position": greatest},
        )
        admin.execute("update installation set cluster_id = 'the one before'")
        admin.execute("select align_log_clock()")
        found = admin.execute("select current_log_position(), log_offset from installation").fetchone()
    assert found is not None
    assert found[0] > greatest
