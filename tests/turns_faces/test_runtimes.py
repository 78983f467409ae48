"""Runtimes over the API, the pages, the client library and the command line's words: who may, and what is shown."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from jsonschema import Draft202012Validator

from crewhall.kernel.actor import system_actor
from crewhall.kernel.outbound import Outbound
from crewhall.runtime import RuntimeParts
from tests.support.openai import Say
from tests.support.server import Server
from tests.support.waiting import until
from tests.taking.webhooks import ADDRESS, Elsewhere, Names, answered
from tests.turns_faces.scene import THINKS, Scene

EXAMPLE = Path(__file__).parents[2] / "examples" / "webhook_agent.py"


@asynccontextmanager
async def reaching(server: Server, elsewhere: Elsewhere) -> AsyncIterator[Elsewhere]:
    """Let what the server sends to agents' addresses arrive there."""
    caller = server.services.part(RuntimeParts).caller
    kept, caller.outbound = caller.outbound, Outbound(resolver=Names(), transport=elsewhere)
    try:
        yield elsewhere
    finally:
        caller.outbound = kept


async def serve(scene: Scene, elsewhere: Elsewhere) -> None:
    path = f"/agents/{scene.agent.id}/runtime"
    made = (await scene.owner.post(path, json={"base_url": ADDRESS})).raise_for_status()
    elsewhere.secrets.append(made.json()["secret"])


async def health(scene: Scene, api: httpx.AsyncClient | None = None) -> dict[str, dict[str, object]]:
    found = (await (api or scene.owner).get("/runtimes")).raise_for_status().json()["items"]
    return {one["agent"]["code"]: one for one in found}


async def test_an_agent_is_served_asked_and_seen(scene: Scene) -> None:
    async with reaching(scene.server, Elsewhere({"content": "A heron."})) as elsewhere:
        assert (await health(scene))[scene.agent.code]["way"] == "resident"
        await serve(scene, elsewhere)
        assert (await health(scene))[scene.agent.code]["health"] == "unknown"
        tried = (await scene.owner.post(f"/agents/{scene.agent.id}/runtime/test")).raise_for_status().json()
        assert (tried["is_ok"], tried["status"], tried["run_id"]) == (True, 200, None)
        assert elsewhere.sent[0]["type"] == "ping"
        await scene.say(f"What is it, @{scene.agent.code}?")
        run = await scene.ended()
        assert (run["reason"], run["is_remote"]) == ("answered", False)
        kinds = [step["kind"] for step in await scene.steps(run["id"])]
        assert kinds == ["context", "call", "result", "answer", "post"]
        shown = (await health(scene))[scene.agent.code]
        assert (shown["way"], shown["health"], shown["base_url"]) == ("webhook", "healthy", ADDRESS)
        calls = (await scene.owner.get(f"/agents/{scene.agent.id}/runtime/calls")).json()["items"]
        assert [(call["run_id"], call["is_ok"]) for call in calls] == [(run["id"], True), (None, True)]
        await scene.owner.patch(f"/agents/{scene.agent.id}", json={"model_config": {}})
        task = {"agent_id": scene.agent.id, "prompt": "Count the herons."}
        (await scene.owner.post(f"/conversations/{scene.circle}/turns", json=task)).raise_for_status()
        assert (await scene.ended({run["id"]}))["reason"] == "answered"
        assert elsewhere.sent[-1]["data"]["prompt"] == "Count the herons."
        here = (await scene.member.api.get(f"/conversations/{scene.circle}/runtime")).json()["agent_runtimes"]
        assert [(one["agent_id"], one["runtime_id"]) for one in here] == [(scene.agent.id, run["runtime_id"])]
        again = await scene.owner.post(f"/agents/{scene.agent.id}/runtime", json={"base_url": ADDRESS})
        assert again.status_code == 409
    await scene.owner.delete(f"/agents/{scene.agent.id}/runtime")
    assert (await health(scene))[scene.agent.code]["way"] == "nobody"
    await scene.agent.api.get("/me")
    assert (await health(scene))[scene.agent.code]["way"] == "polling"


@pytest.mark.rule("E2")
async def test_an_agents_own_program_is_healthy_while_it_gives_signs_of_life(scene: Scene) -> None:
    made = {"name": "Builder", "code": "own-builder", "model_config": {}}
    agent = (await scene.owner.post("/agents", json=made)).raise_for_status().json()
    assert (await health(scene))["own-builder"]["way"] == "nobody"
    key = (await scene.owner.post(f"/agents/{agent['id']}/credentials", json={})).raise_for_status().json()["key"]
    async with httpx.AsyncClient(base_url=scene.owner.base_url, headers={"Authorization": f"Bearer {key}"}) as api:
        (await api.post(f"/agents/{agent['id']}/heartbeat", json={})).raise_for_status()
    shown = (await health(scene))["own-builder"]
    assert (shown["way"], shown["health"]) == ("client", "healthy")
    async with scene.server.db.transaction(system_actor(scene.org.id)) as tx:
        await tx.run(
            "update agents set presence_until = now() - interval '1 second' where id = %(id)s", {"id": agent["id"]}
        )
    shown = (await health(scene))["own-builder"]
    assert (shown["health"], shown["since"] is not None) == ("silent", True)


async def test_what_is_sent_is_what_the_description_says(scene: Scene) -> None:
    described = (await scene.owner.get("/openapi.json")).json()
    async with reaching(scene.server, Elsewhere({"silent": True})) as elsewhere:
        await serve(scene, elsewhere)
        await scene.owner.post(f"/agents/{scene.agent.id}/runtime/test")
        first = await scene.say("Before.")
        await scene.say(f"What is it, @{scene.agent.code}?", parent_id=first["id"])
        assert (await scene.ended())["reason"] == "silent"
    assert [body["type"] for body in elsewhere.sent] == ["ping", "turn"]
    for body in elsewhere.sent:
        said = described["webhooks"][body["type"]]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = {**said, "components": described["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(body)
        named = described["components"]["schemas"][said["$ref"].rpartition("/")[2]]["properties"]
        assert body.keys() == named.keys()
    asked, before = elsewhere.sent[1]["data"]["messages"][-1], elsewhere.sent[1]["data"]["messages"][0]
    assert (asked["thread_seq"], elsewhere.sent[1]["data"]["parent_id"]) == (before["seq"], first["id"])


@pytest.mark.rule("C6")
async def test_the_token_of_a_turn_opens_its_conversation_while_the_turn_lasts_and_nothing_else(scene: Scene) -> None:
    async with reaching(scene.server, Elsewhere(answered(202))) as elsewhere:
        await serve(scene, elsewhere)
        await scene.say(f"What is it, @{scene.agent.code}?")
        await until(lambda: was_asked(elsewhere))
        data = elsewhere.sent[0]["data"]
        run, reply, here = data["run_id"], data["reply"], f"/conversations/{scene.circle}"
        assert reply["answer_url"] == f"{scene.server.address}/api/v1/runs/{run}/answer"
        turn = scene.server.client(reply["token"])
        assert (await turn.get(f"{here}/messages")).json()["items"][-1]["content"].startswith("What is it")
        posted = await turn.post(f"{here}/messages", json={"content": "One moment."})
        assert posted.json()["author"]["id"] == scene.agent.id
        general = await scene.server.general(scene.org)
        for method, path in [
            ("GET", "/me"), ("GET", "/conversations"), ("GET", f"/conversations/{general}/messages"),
            ("GET", "/agents"), ("POST", f"/conversations/{general}/messages"), ("POST", f"{here}/read"),
            ("PATCH", here), ("POST", f"/agents/{scene.agent.id}/runtime/rotate"), ("GET", f"{here}/stream"),
        ]:  # fmt: skip
            assert (await turn.request(method, path, json={})).status_code == 403, path
        other = await scene.server.hire(scene.org)
        for api in (other.api, scene.owner, scene.member.api):
            assert (await api.post(f"/runs/{run}/answer", json={"content": "Mine."})).status_code == 404
        for wrong in ({}, {"content": " "}, {"content": "a", "silent": True}):
            assert (await turn.post(f"/runs/{run}/answer", json=wrong)).status_code == 422
        assert (await turn.post(f"/runs/{run}/answer", json={"content": "A heron."})).status_code == 202
        ended = await scene.ended()
        assert ended["reason"] == "answered"
        late = await scene.agent.api.post(f"/runs/{run}/answer", json={"content": "A stork."})
        assert (late.status_code, late.json()["code"]) == (409, "run_ended")
        assert (await turn.get(f"{here}/messages")).status_code == 401
        forged = scene.server.client(reply["token"][:-4] + "AAA=")
        assert (await forged.get(f"{here}/messages")).status_code == 401


@pytest.mark.rule("X11")
async def test_what_is_said_with_the_token_of_a_turn_is_said_for_who_asked_for_it(scene: Scene) -> None:
    reader = await scene.server.hire(scene.org, name="Reader", model_config=THINKS)
    member = {"member_type": "agent", "member_id": reader.id}
    (await scene.owner.post(f"/conversations/{scene.circle}/members", json=member)).raise_for_status()
    scene.model.play(Say("Read."))
    async with reaching(scene.server, Elsewhere(answered(202))) as elsewhere:
        await serve(scene, elsewhere)
        await scene.say(f"Ask the reader, @{scene.agent.code}.", scene.member.api)
        await until(lambda: was_asked(elsewhere))
        data = elsewhere.sent[0]["data"]
        turn = scene.server.client(data["reply"]["token"])
        for client_id in ("first", "first", None, f"answer:{data['triggers'][0]['message_id']}"):
            body = {"content": f"@{reader.code} quote #secret", "client_id": client_id}
            posted = (await turn.post(f"/conversations/{scene.circle}/messages", json=body)).raise_for_status()
            assert posted.json()["client_id"].startswith(f"run:{data['run_id']}:")
        said = (await scene.owner.get(f"/conversations/{scene.circle}/messages")).json()["items"]
        assert [one["author"]["id"] for one in said].count(scene.agent.id) == 3

        async def behalf() -> list[UUID] | None:
            async with scene.server.db.transaction(system_actor(scene.org.id)) as tx:
                found: list[UUID] | None = await tx.value(
                    "select behalf_of from runs where agent_id = %(id)s order by id limit 1", {"id": reader.id}
                )
            return found

        assert await until(behalf) == [scene.member.id]
        await turn.post(f"/runs/{data['run_id']}/answer", json={"silent": True})


@pytest.mark.rule("C6")
async def test_who_is_served_nowhere_any_more_is_let_in_no_more(scene: Scene) -> None:
    async with reaching(scene.server, Elsewhere(answered(202))) as elsewhere:
        await serve(scene, elsewhere)
        await scene.say(f"What is it, @{scene.agent.code}?")
        await until(lambda: was_asked(elsewhere))
        turn = scene.server.client(elsewhere.sent[0]["data"]["reply"]["token"])
        here = f"/conversations/{scene.circle}/messages"
        assert (await turn.get(here)).status_code == 200
        (await scene.owner.delete(f"/agents/{scene.agent.id}/runtime")).raise_for_status()
        assert (await turn.get(here)).status_code == 401
        assert (await turn.post(here, json={"content": "Still here."})).status_code == 401
        ended = await scene.ended()
        assert (ended["status"], ended["reason"]) == ("stopped", "runtime_failed")


async def was_asked(elsewhere: Elsewhere) -> bool:
    return bool(elsewhere.sent)


@pytest.mark.rule("E1")
async def test_only_who_manages_an_agent_says_where_it_is_served(scene: Scene) -> None:
    path = f"/agents/{scene.agent.id}/runtime"
    for api, status in ((scene.member.api, 403), (scene.agent.api, 403), (scene.admin.api, 201)):
        assert (await api.post(path, json={"base_url": ADDRESS})).status_code == status
    shown = (await scene.agent.api.get(path)).raise_for_status().json()
    assert "secret" not in shown
    assert (await scene.member.api.get(path)).status_code == 403
    assert await health(scene, scene.member.api) == {}
    assert list(await health(scene, scene.admin.api)) == list(await health(scene))
    for url in ("http://agents.example.org/", "https://localhost:1/", "ftp://example.org/", "https://a:b@example.org/"):
        refused = await scene.admin.api.patch(path, json={"base_url": url})
        assert refused.status_code == 422, url


async def test_pages_show_how_agents_answer_and_a_secret_once(scene: Scene) -> None:
    browser, _ = await scene.server.browse(scene.org.owner)
    browser.headers.update({"origin": scene.server.address})
    page = f"{scene.server.address}/agents/{scene.agent.id}/webhook"
    assert "Serve it there" in (await browser.get(page)).text
    refused = await browser.post(page, data={"base_url": "http://agents.example.org/"})
    assert (refused.status_code, "Only https" in refused.text) == (422, True)
    made = await browser.post(page, data={"base_url": ADDRESS})
    assert made.status_code == 201
    assert "whsec_" in made.text
    async with reaching(scene.server, Elsewhere(answered(500))) as elsewhere:
        elsewhere.secrets.append("whsec_" + made.text.partition("whsec_")[2].partition('"')[0])
        await browser.post(f"{scene.server.address}/runtimes/{scene.agent.id}/test")
    listed = (await browser.get(f"{scene.server.address}/runtimes")).text
    assert "It answered 500." in listed
    assert "failing since" in listed
    assert "whsec_" not in (await browser.get(page)).text
    await browser.post(f"{page}/remove")
    assert "Serve it there" in (await browser.get(page)).text


async def test_the_example_answers_at_once_and_later(scene: Scene) -> None:
    """A process of its own that verifies by the client library, spoken to over a real connection."""
    path = f"/agents/{scene.agent.id}/runtime"
    made = (await scene.owner.post(path, json={"base_url": ADDRESS})).raise_for_status().json()
    program = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLE), env={**os.environ, "PORT": "0", "WEBHOOK_SECRET": made["secret"]},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    caller = scene.server.services.part(RuntimeParts).caller
    kept = caller.outbound
    try:
        assert program.stdout is not None
        address = (await program.stdout.readline()).decode().split()[-1]
        caller.outbound = Outbound(private=[address.removeprefix("http://").rstrip("/")])
        (await scene.owner.patch(path, json={"base_url": address})).raise_for_status()
        tried = (await scene.owner.post(f"{path}/test")).json()
        assert tried["is_ok"], tried
        for words, said in (("hello", "You said: hello"), ("say it later", "You said: say it later")):
            before = {run["id"] for run in await scene.runs()}
            await scene.say(f"@{scene.agent.code} {words}")
            assert (await scene.ended(before))["reason"] == "answered"
            messages = (await scene.owner.get(f"/conversations/{scene.circle}/messages")).json()["items"]
            assert messages[-1]["content"] == said
        async with httpx.AsyncClient(verify=False) as stranger:
            assert (await stranger.post(address, content=b"{}", headers={"webhook-id": "x"})).status_code == 401
    finally:
        caller.outbound = kept
        program.kill()
        await program.wait()
