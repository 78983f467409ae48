"""Who comes in, and how: tokens, hosts, malformed and oversized requests."""

import httpx
import pytest
from mcp.shared.exceptions import MCPError

from crewhall.faces.mcp.hosts import Hosts
from crewhall.kernel.errors import CrewhallError
from tests.mcp.visiting import LEGACY, MODERN, done, refused, visit

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.fixture
async def raw(server, agent):
    """Plain HTTP at the door, with the agent's key."""
    headers = {"authorization": f"Bearer {agent.key}", **ACCEPT}
    async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=20, verify=False) as http:
        yield http


@pytest.mark.rule("X4", "E2")
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer cwk_nobody", "Basic YTpi", "Bearer cws_x"])
async def test_a_guest_is_told_to_sign_in(server, authorization):
    headers = ACCEPT if authorization is None else ACCEPT | {"authorization": authorization}
    async with httpx.AsyncClient(base_url=server.address, verify=False) as http:
        answer = await http.post("/mcp", json=LIST, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert answer.json()["code"] == "unauthenticated"


async def test_a_browsers_cookie_does_not_open_the_door(server, org):
    _, session = await server.browse(org.owner)
    async with httpx.AsyncClient(base_url=server.address, cookies={"crewhall_session": session}, verify=False) as http:
        for more in ({}, {"authorization": "Basic YTpi"}):
            answer = await http.post("/mcp", json=LIST, headers=ACCEPT | more)
            assert answer.status_code == 401


async def test_a_person_without_an_organization_is_told_to_choose_one(server, org):
    person = await server.make_person()
    token = person.api.headers["authorization"]
    async with httpx.AsyncClient(
        base_url=server.address, headers=ACCEPT | {"authorization": token}, verify=False
    ) as http:
        answer = await http.post("/mcp", json=LIST)
        foreign = await http.post("/mcp", json=LIST, headers={"x-crewhall-org": org.slug})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_organization")
    assert foreign.status_code == 403


@pytest.mark.rule("X4", "E2", "D10")
@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_a_revoked_key_opens_nothing_more(server, org, agent, mode):
    async with visit(server.address, agent.key, mode) as client:
        await done(client, "who_am_i")
        (key,) = (await org.owner.api.get(f"/agents/{agent.id}/credentials")).json()["items"]
        (await org.owner.api.delete(f"/agents/{agent.id}/credentials/{key['id']}")).raise_for_status()
        with pytest.raises(MCPError):
            await client.call_tool("who_am_i", {})
    async with httpx.AsyncClient(base_url=server.address, verify=False) as http:
        answer = await http.post("/mcp", json=LIST, headers=ACCEPT | {"authorization": f"Bearer {agent.key}"})
    assert answer.status_code == 401


@pytest.mark.rule("A5")
async def test_an_inactive_agent_does_not_come_in(server, org, agent, raw):
    assert (await raw.post("/mcp", json=LIST)).status_code == 200
    (await org.owner.api.patch(f"/agents/{agent.id}", json={"status": "inactive"})).raise_for_status()
    assert (await raw.post("/mcp", json=LIST)).status_code == 401


async def test_only_post_is_spoken(raw):
    for method in ("GET", "DELETE", "PUT", "HEAD"):
        answer = await raw.request(method, "/mcp")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_other_hosts_and_origins_are_refused(raw, server):
    rebound = await raw.post("/mcp", json=LIST, headers={"host": "evil.example"})
    assert (rebound.status_code, rebound.json()["code"]) == (421, "misdirected")
    assert server.address in rebound.json()["detail"]
    foreign = await raw.post("/mcp", json=LIST, headers={"origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "cross_origin")
    own = await raw.post("/mcp", json=LIST, headers={"origin": server.address})
    assert own.status_code == 200


@pytest.mark.parametrize(
    ("base", "host", "opens"),
    [
        ("https://hall.example.org", "hall.example.org", True),
        ("https://hall.example.org", "hall.example.org:443", True),
        ("https://hall.example.org", "HALL.example.org", True),
        ("https://hall.example.org", "hall.example.org:8443", False),
        ("https://hall.example.org:8443", "hall.example.org:8443", True),
        ("https://hall.example.org", "127.0.0.1:8787", True),
        ("https://hall.example.org", "localhost:1", True),
        ("https://hall.example.org", "[::1]:8787", True),
        ("https://hall.example.org", "hall.example.org.evil.example", False),
        ("https://hall.example.org", "localhost.evil.example", False),
        ("https://hall.example.org", "hall.example.org:port", False),
        ("https://hall.example.org", "", False),
    ],
)
def test_the_public_address_and_this_machine_are_ours(base, host, opens):
    hosts = Hosts(base)
    headers = {b"host": host.encode()}
    if opens:
        hosts.check(headers)
    else:
        with pytest.raises(CrewhallError) as caught:
            hosts.check(headers)
        assert caught.value.code == "misdirected"


async def test_malformed_requests_are_refused_and_harm_nothing(raw):
    bodies = [b"", b"{", b"[]", b"null", b"1", b'{"jsonrpc":"2.0"}', b'"\xff"', b"[" * 100_000]
    for version in ({}, {"mcp-protocol-version": MODERN}, {"mcp-protocol-version": "1999-01-01"}):
        for body in bodies:
            answer = await raw.post("/mcp", content=body, headers=version)
            assert 400 <= answer.status_code < 500, (version, body[:10])
    assert (await raw.post("/mcp", json=LIST)).status_code == 200


async def test_oversized_requests_are_refused(raw, server, agent, general):
    huge = await raw.post("/mcp", content=b'{"x":"' + b"x" * 1_100_000 + b'"}')
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")

    async def piecemeal():
        for _ in range(20):
            yield b" " * 100_000

    piecewise = await raw.post("/mcp", content=piecemeal())
    assert piecewise.status_code == 413
    async with visit(server.address, agent.key) as client:
        long = await refused(client, "post_message", conversation_id=general, content="x" * 40_001)
        assert (long["code"], long["detail"]) == ("invalid", "content: This is too long: at most 40000.")


@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_malformed_calls_are_refused_with_what_to_do(server, agent, general, mode):
    place = {"conversation_id": general}
    async with visit(server.address, agent.key, mode) as client:
        for tool, arguments, said in (
            ("read_messages", {}, "conversation_id"),
            ("read_messages", {"conversation_id": "x"}, "conversation_id: Invalid UUID."),
            ("read_messages", place | {"before": 3, "after": 1}, "not both"),
            ("read_messages", place | {"limit": 0}, "limit:"),
            ("read_messages", place | {"limit": "3"}, "limit:"),
            ("post_message", place, "content"),
            ("post_message", place | {"content": "  "}, "content: Fill this in"),
            ("post_message", place | {"content": "a\0b"}, "content: Fill this in"),
            ("post_message", place | {"content": "x", "unheard_of": 1}, "unheard_of"),
            ("wait_for_mentions", {"seconds": 601}, "seconds:"),
            ("who_am_i", {"x": 1}, "`x`"),
        ):
            problem = await refused(client, tool, **arguments)
            assert problem["code"] == "invalid", tool
            assert said in problem["detail"], problem["detail"]
        with pytest.raises(MCPError, match="There is no tool"):
            await client.call_tool("unheard_of", {})


async def test_a_client_id_used_for_something_else_is_refused(server, agent, general):
    async with visit(server.address, agent.key) as client:
        await done(client, "post_message", conversation_id=general, content="one", client_id="c")
        other = await refused(client, "post_message", conversation_id=general, content="two", client_id="c")
    assert other["code"] == "client_id_reused"
