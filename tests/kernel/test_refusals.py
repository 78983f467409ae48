"""What is refused names its field and what would be taken, whoever reads it: the API, the live socket, a form."""

from typing import Any

import msgspec
import pytest

from crewhall.agents.schemas import AgentInput
from crewhall.faces.plumbing.forms import Form
from crewhall.kernel.errors import CrewhallError
from tests.identity.hall import Org
from tests.support.server import Server, frames_until, token_of

NEEDED = "A JSON body is needed."


async def detail(org: Org, method: str, path: str, **sent: Any) -> str:
    """The refusal's sentence; no library's word is in it, nor among its details."""
    answer = await org.owner.api.request(method, path, **sent)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert not any(word in answer.text for word in ("matching regex", "Object ", "'data'", '"data"', "data:"))
    said: str = problem["detail"]
    return said


@pytest.mark.parametrize("path", ["/agents", "/conversations", "/conversations/{channel}/messages", "/invitations"])
async def test_a_missing_body_is_asked_for(server: Server, org: Org, path: str) -> None:
    path = path.replace("{channel}", await server.channel(org.owner))
    assert await detail(org, "POST", path) == NEEDED


async def test_fields_are_named_as_they_are_sent(org: Org) -> None:
    assert await detail(org, "POST", "/conversations", json={}) == "kind is needed."
    assert await detail(org, "POST", "/agents", json={"nope": 1}) == "There is no field nope. Leave it out."
    assert await detail(org, "POST", "/agents", json=[]) == "The body must be a JSON object."
    answer = await org.owner.api.post("/agents", json={"nope": 1})
    assert answer.json()["errors"] == [{"field": "nope", "message": "There is no field nope. Leave it out."}]
    wrong = {"kind": "group", "title": "x", "members": [{"member_type": "user"}]}
    assert await detail(org, "POST", "/conversations", json=wrong) == "members[0].member_id is needed."


async def test_choices_are_named(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    kinds = "channel, direct, group"
    assert await detail(org, "POST", "/conversations", json={"kind": "zz"}) == f"kind: 'zz' is none of {kinds}."
    said = await detail(org, "POST", f"/conversations/{channel}/messages", json={"content": "x", "kind": "zz"})
    assert said == "kind: 'zz' is none of message, update, insight, question, answer, alert, metric."
    wrong = {"kind": "group", "title": "x", "members": [{"member_type": "zz", "member_id": str(org.id)}]}
    said = await detail(org, "POST", "/conversations", json=wrong)
    assert said == "members[0].member_type: 'zz' is none of user, agent."
    assert await detail(org, "GET", "/conversations?member=zz") == "member: 'zz' is none of all, me."
    assert (await detail(org, "GET", "/agents?status=zz")).startswith("status: 'zz' is none of active, ")


async def test_blank_is_not_called_nul_nor_the_other_way(server: Server, org: Org) -> None:
    path = f"/conversations/{await server.channel(org.owner)}/messages"
    assert await detail(org, "POST", path, json={"content": "  "}) == "content: Fill this in."
    assert await detail(org, "POST", path, json={"content": "a\0"}) == "content: NUL characters cannot be stored."


async def test_the_live_socket_says_the_same(server: Server, org: Org) -> None:
    channel = await server.channel(org.owner)
    post = {"type": "post", "conversation": channel, "client_id": "c-1"}
    async with server.live(token_of(org.owner.api)) as socket:
        for command, said in (
            ({**post, "content": " "}, "content: Fill this in."),
            ({**post, "content": "\0"}, "content: NUL characters cannot be stored."),
            ({**post, "content": "x", "role": "zz"}, "role: 'zz' is none of user, assistant, system, tool."),
            (post, "content is needed."),
            (
                {"type": "zz"},
                "type: 'zz' is none of subscribe, unsubscribe, post, typing, heartbeat, ping.",
            ),
            ({"type": "heartbeat", "presence": "zz"}, "presence: 'zz' is none of busy, online."),
        ):
            await socket.send(msgspec.json.encode(command).decode())
            [error] = await frames_until(socket, "error")
            assert (error["code"], error["detail"]) == ("invalid", said)


def test_forms_say_the_same() -> None:
    with pytest.raises(CrewhallError) as refused:
        Form({"name": "Scout", "status": "zz"}).read(AgentInput, "name", "status")
    assert refused.value.fields == {"field": "status"}
    assert refused.value.detail.startswith("'zz' is none of active, ")
