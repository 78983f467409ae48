"""Whatever the description allows or forbids, no answer is a 5xx and each is what the description says."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.effort import EFFORT
from tests.support.server import Server, token_of

if TYPE_CHECKING:
    from tests.openapi.fuzz import Fuzzer

CLOSING = {"archive_conversation", "leave_conversation", "change_role", "rotate_credential"}

AS_IT_LIKES = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
"""The server in the other thread draws its own lots while inputs are made."""


async def make_fuzzer(server: Server, description: dict[str, Any]) -> "Fuzzer":
    """A fuzzer that acts as the owner of an organization of its own, with something of every kind in it."""
    org = await server.make_org("Fuzzed")
    owner = org.owner.api
    member = await org.add("member")
    agent = await server.hire(org)
    channel = await server.channel(org.owner)
    posted = (await owner.post(f"/conversations/{channel}/messages", json={"content": "Hello"})).raise_for_status()
    keys = (await owner.get(f"/agents/{agent.id}/credentials")).raise_for_status().json()
    things = {
        "conversation_id": [channel],
        "message_id": [posted.json()["id"]],
        "agent_id": [agent.id],
        "credential_id": [keys["items"][0]["id"]],
        "org_id": [str(org.id)],
        "person_id": [str(member.id)],
        "member_id": [str(member.id), agent.id],
        "emoji": ["👍"],
    }
    from tests.openapi.fuzz import Fuzzer

    return Fuzzer(description, server.address, token_of(owner), things)


async def fuzz(server: Server, description: dict[str, Any], examples: int) -> None:
    from tests.openapi.fuzz import LEFT_OUT

    fuzzer = await make_fuzzer(server, description)
    names = [name for name in fuzzer.operations if name not in LEFT_OUT]
    assert set(LEFT_OUT) <= set(fuzzer.operations), "an operation that is gone needs no reason any more"
    # What archives or deletes comes last: the others need what is there.
    names.sort(key=lambda name: (fuzzer.operations[name].method.upper() == "DELETE", name in CLOSING))
    found = [fault for name in names for fault in await asyncio.to_thread(fuzzer.fuzz, name, examples)]
    assert not found, "\n".join(found)
    assert fuzzer.sent > len(names) * examples
    print(f"{fuzzer.sent} requests to {len(names)} operations")


@pytest.mark.timeout(180)
@AS_IT_LIKES
async def test_fuzzing_finds_no_server_error_and_no_broken_promise(server: Server, description: dict[str, Any]):
    await fuzz(server, description, examples=1)


@pytest.mark.soak
@pytest.mark.timeout(300 * EFFORT)
@AS_IT_LIKES
async def test_long_fuzzing_finds_no_server_error_and_no_broken_promise(server: Server, description: dict[str, Any]):
    await fuzz(server, description, examples=4 * EFFORT)
