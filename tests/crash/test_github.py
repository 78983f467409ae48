"""Processes are killed while GitHub's webhooks are done, and while changes go out: all of it happens, once."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psycopg
import pytest

from crewhall.kernel.clock import utc_now
from crewhall.kernel.postgres.urls import DATABASE
from crewhall.work.github.outgoing import MARK
from crewhall.work.github.signing import sign
from tests.github.examples import examples
from tests.github.hub import TOKEN, Hub, served
from tests.support.site import Site
from tests.support.waiting import PATIENCE, in_time, until

ISSUES, COMMENTS = 24, 12
GONE = (httpx.HTTPError, AttributeError)
"""What a client says of a server that died; anyio asks a socket that is closed already for its address."""
LAPSE = """
update github_deliveries set look_at = now() where look_at > now();
update github_changes set look_at = now() where look_at > now();
update github_comments set look_at = now() where look_at > now();
"""


def asked(site: Site, statement: str) -> list[str]:
    """What the database says; also where no server runs."""
    with psycopg.connect(site.postgres.superuser_url(DATABASE), autocommit=True) as connection:
        return [row[0] for row in connection.execute(statement.encode())]


async def brought_back(site: Site) -> None:
    """Kill the server; what it had claimed is claimed no more, as it is by itself in two minutes; start another."""
    await site.server.kill()
    with psycopg.connect(site.postgres.superuser_url(DATABASE), autocommit=True) as connection:
        connection.execute(LAPSE.encode())
    await site.server.start()


class Strike:
    """Tells when a POST was done at GitHub, and keeps its answer back until the asking process is dead."""

    def __init__(self) -> None:
        self.is_meant = False
        self.struck = asyncio.Event()
        self.dead = asyncio.Event()

    async def before_answer(self, method: str, path: str) -> None:
        if method == "POST" and self.is_meant:
            self.is_meant = False
            self.struck.set()
            await self.dead.wait()

    async def next(self) -> None:
        """Wait until something was made there of which nobody here knows."""
        self.struck.clear()
        self.dead.clear()
        self.is_meant = True
        await in_time(self.struck.wait(), 30)


class Ground(msgspec.Struct):
    site: Site
    hub: Hub
    strike: Strike
    token: str
    secret: str
    connection: str
    repository: str
    project: dict[str, Any]
    chance: random.Random

    async def deliver(self, event: str, payload: dict[str, Any], delivery: str) -> None:
        """Deliver as GitHub does; what nobody answers comes again later."""
        body = msgspec.json.encode(payload)
        headers = {
            "x-github-event": event, "x-github-delivery": delivery, "x-hub-signature-256": sign(self.secret, body),
            "content-type": "application/json",
        }  # fmt: skip

        async def is_taken() -> bool:
            try:
                async with httpx.AsyncClient(base_url=f"{self.site.server.url}/api/v1", timeout=20 * PATIENCE) as api:
                    path = f"/github/hooks/{self.connection}"
                    return (await api.post(path, content=body, headers=headers)).is_success
            except GONE:
                return False

        await until(is_taken, within=60)

    async def call(self, method: str, path: str, /, **body: Any) -> Any:
        return await self.site.call(self.token, method, path, **body)


@pytest.fixture
async def ground(site: Site) -> AsyncIterator[Ground]:
    seed = int(os.environ.get("CREWHALL_TEST_SEED") or random.randrange(2**32))
    print(f"CREWHALL_TEST_SEED={seed}")
    hub, strike = Hub(now=utc_now()), Strike()
    async with served(hub, strike.before_answer) as address:
        site.server.see(CREWHALL_GITHUB_API=address)
        try:
            await site.server.start()
            token = await site.sign_in()
            made = await site.call(token, "POST", "/github/connections", token=TOKEN, name=f"GitHub {seed}")
            body = {"connection_id": made["id"], "full_name": hub.name}
            repository = await site.call(token, "POST", "/github/repositories", **body)
            project = await site.call(token, "POST", "/projects", name=f"Mill {seed}")
            path = f"/github/repositories/{repository['id']}"
            await site.call(token, "PUT", f"{path}/project", project_id=project["id"])

            async def is_read() -> bool:
                return bool((await site.call(token, "GET", path))["state"] == "synced")

            await until(is_read, within=30)
            hub.now = utc_now() + timedelta(seconds=30)  # what is said from now on is said after both were linked
            yield Ground(
                site, hub, strike, token, made["webhook_secret"], made["id"], repository["id"], project,
                random.Random(seed),
            )  # fmt: skip
            await site.server.start() if not site.server.serving.is_set() else None
            await site.call(token, "DELETE", path)
        finally:
            strike.dead.set()
            await site.server.close()


def stream(ground: Ground) -> list[tuple[str, dict[str, Any], str]]:
    """Issues that are opened, retitled and closed, and a comment on each: in any order, some of it twice."""
    hub = ground.hub
    opened = next(one.payload for one in examples() if one.event == "issues" and one.payload["action"] == "opened")
    about = {"repository": opened["repository"] | {"id": 7, "full_name": hub.name}}
    told: list[tuple[str, dict[str, Any], str]] = []
    for number in range(1, ISSUES + 1):
        hub.add_issue()
        for change in ({}, {"title": f"Mend sail {number}"}, {"state": "closed", "state_reason": "completed"}):
            hub.issues[number] |= change | {"updated_at": hub.tick()}
            told.append(("issues", opened | about | {"issue": dict(hub.issues[number])}, str(uuid4())))
        said = hub.add_comment(number, f"It turns again: {number}")
        comment = {"action": "created", "issue": dict(hub.issues[number]), "comment": said} | about
        told.append(("issue_comment", opened | comment, str(uuid4())))
    told += ground.chance.sample(told, ISSUES)
    ground.chance.shuffle(told)
    return told


@pytest.mark.rule("D8", "X1")
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_each_webhook_is_applied_once_however_often_the_process_is_killed(ground: Ground):
    told = stream(ground)
    waiting = iter(told)

    async def deliver() -> None:
        for event, payload, delivery in waiting:
            await ground.deliver(event, payload, delivery)

    delivering = [asyncio.create_task(deliver()) for _ in range(4)]
    done = f"select id::text from github_deliveries where state <> 'waiting' and connection_id = '{ground.connection}'"
    for part in (4, 2):

        async def are_many(part: int = part) -> bool:
            return len(asked(ground.site, done)) >= len(told) // part - ground.chance.randrange(10)

        await until(are_many, within=60)
        await brought_back(ground.site)
    await asyncio.gather(*delivering)
    distinct = {delivery for _, _, delivery in told}

    async def are_all() -> bool:
        return len(asked(ground.site, done)) == len(distinct)

    await until(are_all, within=90)
    states = asked(ground.site, done.replace("id::text", "state || coalesce(' ' || reason, '')"))
    assert Counter(states) == {"done": len(distinct)}
    listed = (await ground.call("GET", f"/tasks?project={ground.project['id']}&limit=100"))["items"]
    assert sorted(one["github_issue_number"] for one in listed) == list(range(1, ISSUES + 1))
    assert {one["status"] for one in listed} == {"completed"}
    assert {one["title"] for one in listed} == {f"Mend sail {number}" for number in range(1, ISSUES + 1)}

    said = f"""
    select r.content from message_records r join tasks t on t.thread_id = r.parent_id
    where t.project_id = '{ground.project["id"]}'
    """

    async def are_said() -> bool:
        return len(asked(ground.site, said)) >= ISSUES

    await until(are_said, within=60)
    wanted = {f"It turns again: {number}": 1 for number in range(1, ISSUES + 1)}
    assert Counter(asked(ground.site, said)) == wanted, "each comment once"
    told_of = f"""
    select content ->> 'task_id' from events
    where type = 'task_completed' and project_id = '{ground.project["id"]}'
    """
    assert Counter(asked(ground.site, told_of)) == dict.fromkeys([one["id"] for one in listed], 1), "told once each"


@pytest.mark.rule("D8", "X1")
@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_each_change_goes_out_once_however_often_the_process_is_killed(ground: Ground):
    hub = ground.hub
    task = await ground.call(
        "POST", "/tasks", project_id=ground.project["id"], title="Grind the corn of the whole valley"
    )
    await ground.call("POST", f"/tasks/{task['id']}/issue")
    await ground.strike.next()  # the issue is there, and nobody here knows
    ground.strike.dead.set()
    await brought_back(ground.site)

    async def has_issue() -> bool:
        return (await ground.call("GET", f"/tasks/{task['id']}"))["github_issue_number"] is not None

    await until(has_issue, within=60)
    acknowledged: list[str] = []

    async def say(number: int) -> None:
        try:
            await ground.call("POST", f"/tasks/{task['id']}/comments", content=f"Sack {number} is full")
        except (*GONE, AssertionError):
            return  # the process died over it: nobody was told that it is said
        acknowledged.append(f"Sack {number} is full")

    for turn in range(3):
        struck = asyncio.create_task(ground.strike.next())
        await asyncio.sleep(0)
        saying = [asyncio.create_task(say(turn * COMMENTS + number)) for number in range(COMMENTS)]
        if turn == 2:  # killed while comments are made, whether one has gone out or not
            await until(lambda: _are_some(acknowledged, (2 * COMMENTS) + 1), within=30)
            struck.cancel()
            ground.strike.is_meant = False
        else:
            await struck
            await asyncio.gather(*saying)
        ground.strike.dead.set()
        await brought_back(ground.site)
        await asyncio.gather(*saying)
    left = "select id::text from github_changes where state = 'waiting'"

    async def is_out() -> bool:
        there = " ".join(one["body"] for one in hub.comments)
        return all(one in there for one in acknowledged) and not asked(ground.site, left)

    await until(is_out, within=90)
    bodies = Counter(MARK.sub("", one["body"]).partition(": ")[2] for one in hub.comments)
    assert set(bodies.values()) == {1}, "no comment twice"
    assert set(acknowledged) <= set(bodies)
    assert len(hub.issues) == 1, "one issue"
    assert len(acknowledged) > 2 * COMMENTS


async def _are_some(found: list[str], count: int) -> bool:
    return len(found) >= count
