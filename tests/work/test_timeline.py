"""The timeline by the API: what is posted, what comes of other things, filters, pages both ways."""

import asyncio
import base64
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crewhall.work.timeline_schemas import NewEvent
from crewhall.work.timeline_signing import signed_text
from tests.identity.hall import Org
from tests.support.server import Server
from tests.work.timeline_ground import listed, posted, said, told


@pytest.mark.rule("D5")
async def test_people_and_agents_post_what_is_theirs_to_say(server: Server, org: Org):
    member, agent = await org.add(), await server.hire(org)
    for who, kind in ((member, "user"), (agent, "agent")):
        one = await posted(
            who, content={"text": "The mill is stuck.", "severity": "high"}, mentions=[str(org.owner.id)],
            metadata={"machine": "mill"},
        )  # fmt: skip
        assert (one["author"]["type"], one["author"]["id"]) == (kind, str(who.id))
        assert (one["text"], one["content"]["severity"]) == ("The mill is stuck.", "high")
        assert [found["id"] for found in one["mentions"]] == [str(org.owner.id)]
        assert (await org.owner.api.get(f"/timeline/{one['id']}")).json() == one
    assert len(await listed(org.owner.api)) == 2


@pytest.mark.rule("D5")
@pytest.mark.parametrize("kind", ["kpi_updated", "trust_score_changed", "task_completed", "session_start"])
async def test_what_comes_of_what_happens_nobody_forges(server: Server, org: Org, kind: str):
    agent = await server.hire(org)
    for api in (org.owner.api, agent.api):
        refused = await api.post("/timeline", json={"type": kind, "content": {}})
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await listed(org.owner.api) == []


@pytest.mark.rule("D5")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "gossip", "content": {}}, "type"),
        ({"type": "problem_report", "content": {}}, "content.text"),
        ({"type": "problem_report", "content": {"text": "  "}}, "content.text"),
        ({"type": "problem_report", "content": {"text": "x", "severity": "awful"}}, "content.severity"),
        ({"type": "problem_report", "content": {"text": "x", "kpi": 1}}, "content"),
        ({"type": "question_asked", "content": {"text": "x\0"}}, "content"),
        ({"type": "review_response", "content": {"title": "x", "verdict": "approved", "url": "javascript:1"}},
         "content.url"),
        ({"type": "question_asked", "content": {"text": "x"}, "metadata": {"k": "v" * 9000}}, "metadata"),
        ({"type": "question_asked", "content": {"text": "x"}, "metadata": {"": 1}}, "metadata"),
        ({"type": "question_asked", "content": {"text": "x"}, "metadata": {"a": [[[[[[[[1]]]]]]]]}}, "metadata"),
        ({"type": "question_asked", "content": {"text": "x"}, "mentions": [str(uuid4())]}, "mentions"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_its_type_is_refused_with_its_field(org: Org, body: dict[str, Any], field: str):
    refused = await org.owner.api.post("/timeline", json=body)
    assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text


@pytest.mark.rule("D5")
async def test_an_agent_with_a_key_signs_what_it_posts(server: Server, org: Org):
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    agent, other = await server.hire(org, public_key=public), await server.hire(org)
    body = {"type": "question_asked", "content": {"text": "Wo ist der Kaffee?"}, "metadata": {"b": 1, "a": "ö"}}
    event = NewEvent(type="question_asked", content={"text": "Wo ist der Kaffee?"}, metadata={"a": "ö", "b": 1})
    signature = base64.b64encode(key.sign(signed_text(event))).decode()
    missing = await agent.api.post("/timeline", json=body)
    assert (missing.status_code, missing.json()["code"]) == (422, "signature_required")
    foreign = base64.b64encode(Ed25519PrivateKey.generate().sign(signed_text(event))).decode()
    for who, changed in (
        (agent, {"signature": foreign}),
        (agent, {"signature": "no base64"}),
        (agent, {"signature": signature, "content": {"text": "Wo ist der Tee?"}}),
        (other, {"signature": signature}),
        (org.owner, {"signature": signature}),
    ):
        wrong = await who.api.post("/timeline", json=body | changed)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "signature_wrong"), wrong.text
    made = await agent.api.post("/timeline", json=body | {"signature": signature})
    assert (made.status_code, made.json()["signature"]) == (201, signature)
    assert len(await listed(org.owner.api)) == 1


@pytest.mark.rule("D5")
async def test_messages_that_are_marked_are_told_of_once(server: Server, org: Org):
    agent, general = await server.hire(org), await server.general(org)
    question = await said(org.owner, general, f"Who knows the mill, @{agent.code}?", kind="question")
    await said(org.owner, general, "Nothing to tell.")
    problem = await said(agent, general, "The mill is stuck.", metadata={"event": "problem_report"})
    advice = await said(org.owner, general, "Clean it.", kind="answer", metadata={"event": "advice_given"})
    alarm = await said(agent, general, "It burns.", kind="alert")
    await said(agent, general, "Trust me.", metadata={"event": "trust_score_changed"})
    found = await told(org.owner.api, 4)
    assert [(one["id"], one["type"]) for one in found] == [
        (alarm["id"], "problem_report"),
        (advice["id"], "advice_given"),
        (problem["id"], "problem_report"),
        (question["id"], "question_asked"),
    ]
    asked = found[-1]
    assert (asked["text"], asked["content"]) == (question["content"], {})
    assert [one["id"] for one in asked["mentions"]] == [agent.id]
    assert asked["link"] == f"/c/{general}?at={question['seq']}"
    assert asked["timestamp"] == question["created_at"].replace("+00:00", "Z")


@pytest.mark.rule("D5")
async def test_the_words_of_a_message_stay_in_the_message(server: Server, org: Org):
    general = await server.general(org)
    question = await said(org.owner, general, "Secret?", kind="question")
    await told(org.owner.api)
    path = f"/conversations/{general}/messages/{question['id']}"
    (await org.owner.api.patch(path, json={"content": "Open?"})).raise_for_status()
    assert [one["text"] for one in await listed(org.owner.api)] == ["Open?"]
    (await org.owner.api.delete(path)).raise_for_status()
    assert [(one["text"], one["type"]) for one in await listed(org.owner.api)] == [("", "question_asked")]


@pytest.mark.rule("D5")
async def test_each_filter_finds_what_it_says(server: Server, org: Org):
    agent = await server.hire(org)
    first = await posted(org.owner, "one", metadata={"machine": "mill", "tags": ["loud", "old"], "number": 5})
    second = await posted(agent, "two", mentions=[str(org.owner.id)], metadata={"machine": "mill"})
    third = (
        await org.owner.api.post(
            "/timeline", json={"type": "review_requested", "content": {"title": "Sheet"}, "mentions": [agent.id]}
        )
    ).json()
    every = {"first": first["id"], "second": second["id"], "third": third["id"]}
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["third", "second", "first"]),
        ({"type": "problem_report"}, ["second", "first"]),
        ({"type": ["problem_report", "review_requested"]}, ["third", "second", "first"]),
        ({"type": "x.crm.deal_won"}, []),
        ({"author": agent.id}, ["second"]),
        ({"author": str(org.owner.id), "type": "problem_report"}, ["first"]),
        ({"mention": agent.id}, ["third"]),
        ({"mention": str(org.owner.id)}, ["second"]),
        ({"metadata": "machine=mill"}, ["second", "first"]),
        ({"metadata": ["machine=mill", "tags=loud"]}, ["first"]),
        ({"metadata": "number=5"}, ["first"]),
        ({"metadata": "machine=press"}, []),
        ({"metadata": "machine=mill", "type": ["problem_report", "advice_given"], "author": agent.id}, ["second"]),
        ({"session": str(uuid4())}, []),
        ({"project": str(uuid4())}, []),
        ({"since": second["timestamp"]}, ["third", "second"]),
        ({"until": second["timestamp"]}, ["first"]),
    ]
    for query, wanted in cases:
        assert [one["id"] for one in await listed(org.owner.api, **query)] == [every[name] for name in wanted], query
    for query in ({"metadata": "machine"}, {"type": "gossip"}, {"since": "2026-01-01T00:00:00"}, {"limit": 0}):
        assert (await org.owner.api.get("/timeline", params=query)).status_code in {400, 422}, query


async def test_pages_go_both_ways_and_around_an_event(org: Org):
    made = [(await posted(org.owner, f"number {number}"))["id"] for number in range(7)]
    newest = made[::-1]

    async def page(**query: Any) -> tuple[list[str], str | None, str | None]:
        found = (await org.owner.api.get("/timeline", params={"limit": 3, **query})).raise_for_status().json()
        return [one["id"] for one in found["items"]], found["next"], found["previous"]

    ids, older, newer = await page()
    assert (ids, newer is not None) == (newest[:3], True)
    ids, older, back = await page(after=older)
    assert ids == newest[3:6]
    ids, end, _ = await page(after=older)
    assert (ids, end) == (newest[6:], None)
    ids, _, _ = await page(before=back)
    assert ids == newest[:3]
    ids, again, same = await page(before=newer)
    assert (ids, again, same) == ([], newer, newer)
    made.append((await posted(org.owner, "later"))["id"])
    ids, _, _ = await page(before=newer)
    assert ids == made[-1:]
    ids, _, _ = await page(around=newest[3])
    assert ids == newest[2:5]
    for query in ({"after": older, "before": newer}, {"after": "damaged"}):
        assert (await org.owner.api.get("/timeline", params=query)).status_code == 422
    assert (await org.owner.api.get("/timeline", params={"around": str(uuid4())})).status_code == 404


async def test_the_seventeen_types_are_described(org: Org):
    told = (await org.owner.api.get("/timeline/types")).json()["items"]
    found = [one for one in told if not one["type"].startswith("x.")]  # what another test registers stays registered
    assert len(found) == 17
    assert {"x.github.checks_failed", "x.github.deployment_ended"} < {one["type"] for one in told}
    by_type = {one["type"]: one for one in found}
    assert by_type["problem_report"]["schema"]["properties"].keys() == {"text", "severity"}
    assert {one["type"] for one in found if one["is_posted"]} == {
        "problem_report", "advice_given", "question_asked", "review_requested", "review_response",
    }  # fmt: skip


async def test_posting_is_limited(org: Org):
    async def post() -> int:
        body = {"type": "question_asked", "content": {"text": "Again?"}}
        return (await org.owner.api.post("/timeline", json=body)).status_code

    codes = await asyncio.gather(*(post() for _ in range(90)))
    assert set(codes) == {201, 429}
