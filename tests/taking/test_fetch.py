"""`fetch` and `ask_agent` within turns: what reads is done, what changes waits, what is not listed is refused."""

import httpx
import pytest

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.outbound import Outbound
from crewhall.runtime.approvals import Approval, approve
from crewhall.runtime.judging import RiskRule, ToolPolicy, Verdict
from crewhall.runtime.tool_policies import set_tool_policy
from tests.support.openai import Say, Use

LAX = ToolPolicy(hosts=["api.example.org"], tools={"fetch": Verdict.ALLOW}, outside=RiskRule(allow_from=0.0))
URL = "https://api.example.org/things"


class Everywhere:
    """Every name stands at one public address."""

    async def resolve(self, host: str, port: int) -> list[str]:
        return ["93.184.216.34"]


class Echo(httpx.AsyncBaseTransport):
    """Answers with what it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(f"{request.method} {request.headers['host']} {request.url.host} {request.content.decode()}")
        return httpx.Response(200, headers={"content-type": "text/plain"}, stream=httpx.ByteStream(b"here you are"))


@pytest.mark.rule("X5")
async def test_reading_is_done_at_once_and_changing_only_when_a_person_approved_it(hall, org, model):
    echo = Echo()
    executor = hall.make_executor(outbound=Outbound(resolver=Everywhere(), transport=echo))
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, LAX)
    model.play(
        Use([("fetch", {"url": URL}), ("fetch", {"url": URL, "method": "POST", "body": "{}"}),
             ("fetch", {"url": "https://elsewhere.example.org/"})]),
        Say("Done."),
    )  # fmt: skip
    asked = await hall.ask(org, tools=["fetch"])
    assert (await asked.take(executor)).status == "waiting"
    assert echo.sent == ["GET api.example.org 93.184.216.34 "]
    read, other = [step.body for step in await asked.steps() if step.kind == "result"]
    assert (read["result"]["text"], other["code"]) == ("here you are", "outbound_refused")
    (approval,) = await hall.rows(Approval, "select * from approvals where run_id = %(id)s", id=asked.run_id)
    assert (approval.risk, approval.effect) == ("outside", f"Sends POST to {URL}, with a body of 2 characters.")
    async with hall.db.transaction(org.owner.actor) as tx:
        await approve(tx, org.owner.actor, approval.id, hall.tools)
    assert (await asked.take(executor)).reason == "answered"
    assert echo.sent[1:] == ["POST api.example.org 93.184.216.34 {}"]


@pytest.mark.rule("X5")
async def test_nobody_is_asked_about_a_request_that_would_not_be_sent(hall, org, model):
    echo = Echo()
    executor = hall.make_executor(outbound=Outbound(resolver=Everywhere(), transport=echo))
    async with hall.db.transaction(org.owner.actor) as tx:
        await set_tool_policy(tx, org.owner.actor, LAX)
    away = {"url": "https://elsewhere.example.org/orders", "method": "POST"}
    model.play(
        Use([("fetch", away), ("fetch", {"url": URL, "method": "DELETE", "body": "{}"}),
             ("fetch", {"url": URL, "method": "POST"})]),
        Say("Not there."),
    )  # fmt: skip
    asked = await hall.ask(org, tools=["fetch"])
    await asked.take(executor)
    (approval,) = await hall.rows(Approval, "select * from approvals where run_id = %(id)s", id=asked.run_id)
    assert (approval.arguments["url"], len(await asked.notices())) == (URL, 1)  # only what can be sent is asked about
    unlisted, bodied = [step.body for step in await asked.steps() if step.kind == "result"]
    assert "elsewhere.example.org is not among the hosts" in unlisted["error"]
    assert "DELETE sends no body" in bodied["error"]
    with pytest.raises(CrewhallError) as refused:
        async with hall.db.transaction(org.owner.actor) as tx:
            await approve(tx, org.owner.actor, approval.id, hall.tools, arguments=away)
    assert (refused.value.code, refused.value.fields["field"]) == ("invalid", "arguments")
    async with hall.db.transaction(org.owner.actor) as tx:  # nor is sent what has left the list by now
        await approve(tx, org.owner.actor, approval.id, hall.tools)
        await set_tool_policy(tx, org.owner.actor, ToolPolicy())
    assert ((await asked.take(executor)).reason, echo.sent) == ("answered", [])
    assert "not among the hosts" in str(model.requests[-1]["messages"][-1])


async def test_nothing_is_asked_of_an_agent_that_the_policy_keeps_silent(hall, org, model):
    model.play(Use([("ask_agent", {"agent": "@nobody-here", "question": "?"})]), Say("Nobody."))
    asked = await hall.ask(org, tools=["ask_agent"])
    await asked.take()
    (unknown,) = [step.body for step in await asked.steps() if step.kind == "result"]
    assert unknown["code"] == "not_found"
    other = await hall.hire(org)
    circle = await hall.group(org, asked.agent, other, multi_agent_enabled=False)
    model.play(Use([("ask_agent", {"agent": other.name, "question": "?"})]), Say("No."))
    await hall.say(org.owner.actor, circle, f"@{asked.agent.name}")
    kept = await hall.decided(org, circle, asked.agent)
    await kept.take()
    (told,) = [step.body["result"] for step in await kept.steps() if step.kind == "result"]
    assert (told["is_asked"], told["message_id"]) == (False, None)
    assert "do not answer each other" in told["explanation"]
    assert len(await hall.said(circle)) == 2
