"""Incoming webhooks: signed calls, taken once, with their maker's rights; everything else is one refusal."""

import asyncio
import base64
import hmac
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from crewhall.kernel.actor import system_actor
from crewhall.runtime import hook_calls
from crewhall.runtime.hook_snippets import CURL, PYTHON
from crewhall.runtime.hours import DAYS
from crewhall.sdk import Client
from tests.cli.conftest import QuickCli
from tests.support.openai import Say
from tests.support.server import token_of
from tests.turns_faces.scene import THINKS, Scene

DOCS = Path(__file__).parents[2] / "docs"


def signed(secret: str, body: bytes, name: str | None = None, sent: float | None = None) -> dict[str, str]:
    """The headers of a call."""
    name, now = name or f"msg_{uuid4().hex}", str(int(sent or time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{name}.{now}.".encode() + body, "sha256")).decode()
    return {"webhook-id": name, "webhook-timestamp": now, "webhook-signature": f"v1,{signature}"}


async def called(scene: Scene, hook: dict[str, Any], body: bytes, **given: Any) -> httpx.Response:
    """Call a hook as its service does."""
    headers = given.pop("headers", None) or signed(given.pop("secret", hook["secret"]), body, **given)
    async with httpx.AsyncClient(trust_env=False, verify=False) as service:
        return await service.post(hook["url"], content=body, headers=headers)


async def made(scene: Scene, api: httpx.AsyncClient | None = None, **fields: Any) -> dict[str, Any]:
    body = {"conversation_id": scene.circle, "name": "Builds", **fields}
    hook: dict[str, Any] = (await (api or scene.owner).post("/hooks", json=body)).raise_for_status().json()
    return hook


async def messages(scene: Scene) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await scene.owner.get(f"/conversations/{scene.circle}/messages")).json()["items"]
    return found


async def outcomes(scene: Scene, hook: dict[str, Any]) -> list[str]:
    calls = (await scene.owner.get(f"/hooks/{hook['id']}/calls")).raise_for_status().json()["items"]
    return [one["outcome"] for one in calls]


async def test_a_signed_call_posts_once_and_wakes_its_agent_for_its_maker(scene: Scene):
    hook = await made(scene, scene.member.api, agent_id=scene.agent.id, prompt="Say what failed.")
    assert "secret" not in (await scene.member.api.get(f"/hooks/{hook['id']}")).json()
    body = json.dumps({"title": "Nightly", "content": f"It failed, @{scene.agent.code}."}).encode()
    scene.model.play(Say("The build did."))
    first = await called(scene, hook, body, name="msg_1")
    assert (first.status_code, first.json()["is_repeated"]) == (202, False)
    again = await called(scene, hook, body, name="msg_1")
    assert again.json() == {**first.json(), "is_repeated": True}
    other = await called(scene, hook, b'{"content": "Another."}', name="msg_1")
    assert (other.status_code, other.json()["code"]) == (409, "client_id_reused")
    run = await scene.ended()
    assert (run["cause"], run["author"]["id"], run["status"]) == ("webhook", str(scene.member.id), "succeeded")
    posted, answer = await messages(scene)
    assert (posted["author"], posted["title"], posted["kind"]) == (
        {"type": "system", "id": hook["id"], "name": "Builds"}, "Nightly", "alert",
    )  # fmt: skip
    assert (posted["id"], answer["content"]) == (first.json()["message_id"], "The build did.")
    asked = str(scene.model.requests[-1]["messages"])
    assert "Say what failed." in asked
    assert "not instructions" in asked
    assert "Builds" in asked  # the message stands in the agent's window, too
    assert len(await scene.runs()) == 1  # a mention in what a webhook posts wakes nobody
    assert await outcomes(scene, hook) == ["repeated", "taken"]


async def test_whatever_is_wrong_is_one_refusal_that_says_nothing(scene: Scene):
    hook = await made(scene)
    body = b'{"content": "It failed."}'
    good = signed(hook["secret"], body)
    paused = await made(scene)
    (await scene.owner.post(f"/hooks/{paused['id']}/pause")).raise_for_status()
    nowhere = {**hook, "url": hook["url"].replace(hook["id"], str(uuid4()))}
    refusals = [
        await called(scene, nowhere, body),
        await called(scene, paused, body),
        await called(scene, hook, body + b" ", headers=good),
        await called(scene, hook, body, headers={**good, "webhook-id": "msg_other"}),
        await called(scene, hook, body, headers={"webhook-id": "msg_1"}),
        await called(scene, hook, body, secret=paused["secret"]),
        await called(scene, hook, body, sent=time.time() - 301),
    ]
    told = [{**one.json(), "request_id": ""} for one in refusals]
    assert {one.status_code for one in refusals} == {401}
    assert told == [told[0]] * len(told)
    assert told[0]["code"] == "hook_refused"
    assert await messages(scene) == []
    assert await outcomes(scene, hook) == ["stale", "bad_signature", "bad_signature", "bad_signature"]
    assert await outcomes(scene, paused) == ["paused"]
    large = await called(scene, hook, b"x" * (256 * 1024 + 1))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


@pytest.mark.rule("B11")
async def test_a_call_is_refused_while_many_wait_for_the_agent_and_posts_nothing(scene: Scene, monkeypatch):
    monkeypatch.setattr(hook_calls, "MOST_WAITING", 1)
    away = {"enabled": True, "working_hours": {DAYS[(datetime.now(UTC).weekday() + 3) % 7]: "9-17"}}
    agent = await scene.server.hire(scene.org, model_config=THINKS, scheduling_config=away)
    member = {"member_type": "agent", "member_id": agent.id}
    (await scene.owner.post(f"/conversations/{scene.circle}/members", json=member)).raise_for_status()
    hook, other = await made(scene, agent_id=agent.id), await made(scene, agent_id=scene.agent.id)
    assert (await called(scene, hook, b'{"content": "One."}')).status_code == 202
    refused = await called(scene, hook, b'{"content": "Two."}')
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429, "too_many_requests", "60",
    )  # fmt: skip
    assert [one["content"] for one in await messages(scene)] == ["One."]
    assert (await called(scene, other, b"{}")).status_code == 202


async def test_secrets_rotate_with_an_overlap_and_cannot_be_read_again(scene: Scene):
    hook = await made(scene)
    path = f"/hooks/{hook['id']}/secret"
    rotated = (await scene.owner.post(path, json={})).raise_for_status().json()
    assert rotated["old_secret_until"] is not None
    first = await made(scene)
    for _ in range(2):
        (await scene.owner.post(f"/hooks/{first['id']}/secret", json={"overlap_seconds": 604800})).raise_for_status()
    assert (await called(scene, first, b"{}")).status_code == 401  # there are never more than two
    for secret in (hook["secret"], rotated["secret"]):
        assert (await called(scene, hook, b"{}", secret=secret)).status_code == 202
    latest = (await scene.owner.post(path, json={"overlap_seconds": 0})).raise_for_status().json()
    for secret, status in ((hook["secret"], 401), (rotated["secret"], 401), (latest["secret"], 202)):
        assert (await called(scene, hook, b"{}", secret=secret)).status_code == status
    async with scene.server.db.transaction(scene.org.owner.actor) as tx:
        assert await tx.value("select count(*) from hook_secrets where org_id = any (current_orgs())") > 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with scene.server.db.transaction(scene.org.owner.actor) as tx:
            await tx.value("select secret from hook_secrets limit 1")


async def test_calls_are_forgotten_in_time_and_none_costs_more_for_how_many_were_taken(scene: Scene):
    hook = await made(scene)
    ids = {"org": scene.org.id, "hook": hook["id"]}
    async with scene.server.db.transaction(system_actor(scene.org.id)) as tx:
        await tx.run(
            """
            insert into hook_calls (id, org_id, hook_id, delivery, outcome, created_at)
            select gen_random_uuid(), %(org)s, %(hook)s, n::text, 'taken', now() - interval '91 days'
            from generate_series(1, 2000) n
            """,
            ids,
        )
        plan = await tx.values(
            """
            explain analyze select id from hook_calls
            where org_id = %(org)s and hook_id = %(hook)s and outcome <> 'taken' order by id desc limit 50
            """,
            ids,
        )
    assert "Rows Removed" not in "\n".join(plan)
    assert (await called(scene, hook, b"{}")).status_code == 202
    async with scene.server.db.transaction(system_actor(scene.org.id)) as tx:
        assert await tx.value("select count(*) from hook_calls where hook_id = %(hook)s", ids) == 1999


@pytest.mark.rule("X11")
async def test_it_carries_its_makers_rights_and_nobody_elses(scene: Scene):
    hook = await made(scene, scene.member.api, agent_id=scene.agent.id)
    path = f"/hooks/{hook['id']}"
    assert (await scene.stranger.api.get(path)).status_code == 404
    for api in (scene.owner, scene.agent.api):
        assert (await api.patch(path, json={"prompt": "Send it to me."})).status_code == 403
        assert (await api.post(f"{path}/secret", json={})).status_code == 403
    assert (
        await scene.agent.api.post("/hooks", json={"conversation_id": scene.circle, "name": "x"})
    ).status_code == 403
    mine = {"conversation_id": scene.circle, "name": "x"}
    assert (await scene.stranger.api.post("/hooks", json=mine)).status_code == 404
    assert (await scene.owner.post("/hooks", json={**mine, "posts": False})).status_code == 422
    gone = f"/conversations/{scene.circle}/members/user/{scene.member.id}"
    (await scene.owner.delete(gone)).raise_for_status()
    assert (await called(scene, hook, b"{}")).status_code == 401
    shown = (await scene.owner.get(path)).json()
    assert (shown["pause_reason"], shown["last_outcome"]) == ("no_access", "refused")
    assert (await scene.member.api.post(f"{path}/resume")).status_code == 404
    assert (await messages(scene), await scene.runs()) == ([], [])
    assert (await scene.admin.api.delete(path)).status_code == 204


@pytest.mark.rule("X11")
async def test_it_finds_no_agent_that_its_maker_may_not_see(scene: Scene):
    hidden = await scene.server.hire(scene.org, visibility="hidden")
    body = json.dumps({"content": f"Who is @{hidden.code}?"}).encode()
    for api in (scene.member.api, scene.owner):
        assert (await called(scene, await made(scene, api), body)).status_code == 202
    assert [one["mentions"] for one in await messages(scene)] == [[], [hidden.id]]


async def test_the_programs_to_copy_work_and_the_handbook_has_them(scene: Scene, tmp_path: Path):
    handbook = (DOCS / "webhooks.md").read_text(encoding="utf-8")
    assert PYTHON in handbook
    assert CURL in handbook
    hook = await made(scene)
    env = {**os.environ, "HOOK_URL": hook["url"], "HOOK_SECRET": hook["secret"], "no_proxy": "127.0.0.1"}
    programs = [(sys.executable, "-c", PYTHON)]
    if shutil.which("curl") and shutil.which("openssl"):
        programs.append(("sh", "-euc", CURL))
    for program in programs:
        running = await asyncio.create_subprocess_exec(
            *program, env=env, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await running.communicate()
        assert running.returncode == 0, (out, err)
    said = await messages(scene)
    assert [one["content"] for one in said] == ["It **failed** on `main`."] * len(programs)


async def test_programs_and_the_command_line_look_after_webhooks(scene: Scene, tmp_path: Path):
    terminal = QuickCli(tmp_path, scene.server.address, CREWHALL_TOKEN=token_of(scene.owner))
    shown = await terminal.run("webhook", "make", scene.circle, "--name", "Forms", "--agent", scene.agent.code)
    assert "whsec_" in shown.out
    async with Client(scene.server.address, token=token_of(scene.owner)) as client:
        (hook,) = [one async for one in client.hooks.list()]
        assert (hook.secret, hook.agent and hook.agent.code) == (None, scene.agent.code)
        rotated = await client.hooks.rotate(hook.id)
        assert (await client.hooks.change(hook.id, agent_id=None)).agent is None
        assert rotated.secret is not None
        await called(scene, {"url": hook.url, "secret": rotated.secret}, b"{}")
        assert [one.outcome async for one in client.hooks.calls(hook.id)] == ["taken"]
    assert [one["outcome"] for one in await terminal.ok("webhook", "calls", "forms")] == ["taken"]
    unheard = await terminal.run("webhook", "calls", "Unheard of")
    assert (unheard.code, "There is no webhook Unheard of" in unheard.err) == (1, True)
    assert (await terminal.ok("webhook", "pause", hook.id))["pause_reason"] == "by_hand"
    assert "paused" in (await terminal.run("webhook", "list")).out
    assert (await terminal.ok("webhook", "resume", hook.id))["pause_reason"] is None
    assert (await terminal.ok("webhook", "change", hook.id, "--name", "Form", "--agent", scene.agent.code))["agent"]
    assert "whsec_" in (await terminal.ok("webhook", "rotate", hook.id, "--overlap", "0"))["secret"]
    assert (await terminal.run("webhook", "delete", hook.id, "--yes")).code == 0
    assert await terminal.ok("webhook", "list") == []
