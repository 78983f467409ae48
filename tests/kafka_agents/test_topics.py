"""The life of an agent's topics, who may give and take them, and the faces that do."""

from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from playwright.async_api import expect

from scripts.broker import Broker
from tests.cli.conftest import Cli
from tests.conversations.ways import group, post
from tests.identity.hall import Org
from tests.kafka_agents.program import Programs, on_kafka, when
from tests.support.database import SharedCluster
from tests.support.kafka import SharedBroker
from tests.support.server import Server
from tests.support.tails import tail
from tests.support.waiting import until
from tests.web.browser import Visitors


async def known(bootstrap: str, prefix: str) -> list[str]:
    """The topics whose names begin so."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return sorted(name for name in await admin.list_topics() if name.startswith(prefix))
    finally:
        await admin.close()


def names_of(topics: dict[str, Any]) -> list[str]:
    return sorted(topics[f"{kind}_topic"] for kind in ("inbox", "outbox", "refused"))


@pytest.mark.rule("A2")
async def test_topics_come_and_go_with_what_they_serve(server: Server, org: Org, broker: SharedBroker) -> None:
    agent = await server.hire(org)
    first = await on_kafka(server, org, agent)
    assert await known(broker.bootstrap, first["prefix"]) == names_of(first)
    again = await org.owner.api.post(f"/agents/{agent.id}/topics")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")

    async def are_gone(topics: dict[str, Any]) -> bool:
        return await known(broker.bootstrap, topics["prefix"]) == []

    assert (await org.owner.api.delete(f"/agents/{agent.id}/topics")).status_code == 204
    assert (await org.owner.api.get(f"/agents/{agent.id}/topics")).status_code == 404
    await until(lambda: are_gone(first))
    second = await on_kafka(server, org, agent)
    assert second["prefix"] != first["prefix"]
    assert (await org.owner.api.delete(f"/agents/{agent.id}")).is_success
    await until(lambda: are_gone(second))
    acts = (await org.owner.api.get("/audit", params={"action": "agent.topics_removed"})).json()["items"]
    assert ["removed the topics of " in act["summary"] for act in acts] == [True]


async def test_topics_are_given_and_taken_by_who_manages_the_agent(server: Server, org: Org, other_org: Org) -> None:
    agent, colleague = await server.hire(org), await server.hire(org)
    member = await org.add("member")
    path = f"/agents/{agent.id}/topics"
    for someone, refused in ((member, 403), (agent, 403), (colleague, 403), (other_org.owner, 404)):
        for method in ("POST", "DELETE"):
            assert (await someone.api.request(method, path)).status_code == refused, (someone, method)
    assert (await server.client().post(path)).status_code == 401
    topics = await on_kafka(server, org, agent)
    assert (await agent.api.get(path)).json()["inbox_topic"] == topics["inbox_topic"]
    for someone, refused in ((member, 403), (colleague, 403), (other_org.owner, 404)):
        assert (await someone.api.get(path)).status_code == refused


async def test_what_an_agent_has_read_elsewhere_does_not_come_again(
    server: Server, org: Org, programs: Programs
) -> None:
    agent = await server.hire(org)
    circle = await group(org.owner, agent)
    await post(org.owner, circle, f"answered over the socket, @{agent.code}")

    async def delivered() -> bool:
        shown = (await agent.api.get(f"/conversations/{agent.inbox_id}")).json()
        return bool(shown["unread"] == 1)

    await until(delivered)
    (await agent.api.post(f"/conversations/{agent.inbox_id}/read", json={"seq": 1})).raise_for_status()
    program = programs.start(await on_kafka(server, org, agent))
    new = await post(org.owner, circle, f"for Kafka, @{agent.code}")
    assert (await program.next())["message"]["id"] == new["id"]

    async def is_read() -> bool:
        shown = (await agent.api.get(f"/conversations/{agent.inbox_id}")).json()
        return bool(shown["unread"] == 0)

    await until(is_read)


async def test_a_model_or_a_webhook_answers_before_the_topics_do(server: Server, org: Org) -> None:
    agent = await server.hire(org)
    topics = await on_kafka(server, org, agent)
    assert topics["answered_by"] is None
    webhook = {"base_url": "https://agents.example.org/scout"}
    (await org.owner.api.post(f"/agents/{agent.id}/runtime", json=webhook)).raise_for_status()
    assert (await org.owner.api.get(f"/agents/{agent.id}/topics")).json()["answered_by"] == "webhook"
    (await org.owner.api.delete(f"/agents/{agent.id}/runtime")).raise_for_status()
    model = {"model_config": {"provider": "crewhall", "model": "guide"}}
    (await org.owner.api.patch(f"/agents/{agent.id}", json=model)).raise_for_status()
    assert (await org.owner.api.get(f"/agents/{agent.id}/topics")).json()["answered_by"] == "model"


async def test_the_command_line_gives_shows_and_takes_them(owner: Cli, server: Server, org: Org) -> None:
    agent = await server.hire(org)
    assert "no topics" in (await owner.run("agent", "topics", "show", agent.code)).err
    made = await owner.ok("agent", "topics", "create", agent.code)
    assert made["outbox_topic"].endswith(".outbox")
    await until(lambda: when(org, agent, lambda shown: shown["state"] == "ready"))
    assert made["inbox_topic"] in (await owner.run("agent", "topics", "show", f"@{agent.code}")).out
    grants = (await owner.ok("agent", "topics", "grants", agent.code, "scout"))["grants"]
    assert sum(f"User:scout --operation Write --topic {made['outbox_topic']}" in line for line in grants) == 1
    assert "AGENT" not in "".join(grants)
    assert (await owner.run("agent", "topics", "remove", agent.code, stdin="n\n")).code == 1
    assert await owner.ok("agent", "topics", "remove", agent.code, "--yes") == {"removed": agent.code}
    assert (await owner.run("agent", "topics", "show", agent.code)).code == 1


async def test_the_page_gives_shows_and_takes_them(visitors: Visitors, server: Server, org: Org) -> None:
    agent = await server.hire(org)
    page = await visitors.visit(f"/agents/{agent.id}/kafka", org.owner)
    await page.get_by_role("button", name="Give it topics").click()
    await expect(page.get_by_text("Kafka makes its topics now.")).to_be_visible()
    topics = await until(lambda: when(org, agent, lambda shown: shown["state"] == "ready"))
    await page.reload()
    await expect(page.get_by_label("Topic that it writes to", exact=True)).to_have_value(topics["outbox_topic"])
    await expect(page.get_by_label("Grants at Kafka")).to_contain_text(f"--group {topics['consumer_group']}")
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("Its topics at Kafka are removed.")).to_be_visible()
    assert (await org.owner.api.get(f"/agents/{agent.id}/topics")).status_code == 404


@pytest.mark.slow
@pytest.mark.rule("X1")
async def test_what_comes_while_kafka_is_away_is_given_when_it_is_back(
    own_broker: Broker, cluster: SharedCluster, worker_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREWHALL_KAFKA_BOOTSTRAP", own_broker.bootstrap)
    monkeypatch.setenv("CREWHALL_KAFKA_PREFIX", f"t{tail()}")
    async with Server(cluster.clone(f"kafka_away_{worker_id}")) as server, Programs(own_broker.bootstrap) as programs:
        org = await server.make_org()
        agent = await server.hire(org)
        circle = await group(org.owner, agent)
        topics = await on_kafka(server, org, agent)
        own_broker.kill()
        asked = await post(org.owner, circle, f"are you there, @{agent.code}")
        failing = await until(lambda: when(org, agent, lambda shown: shown["failures"]))
        assert failing["waiting"] == 1
        assert "Kafka" in failing["last_error"]
        own_broker.start()
        program = programs.start(topics)
        assert (await program.next())["message"]["id"] == asked["id"]
        await program.say(circle, "yes", client_id=f"answer:{asked['id']}")

        async def is_answered() -> bool:
            items = (await org.owner.api.get(f"/conversations/{circle}/messages")).json()["items"]
            return bool(items[-1]["content"] == "yes")

        await until(is_answered)
        assert (await until(lambda: when(org, agent, lambda shown: not shown["failures"])))["waiting"] == 0
