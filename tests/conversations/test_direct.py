"""The direct way and the routes answer alike: the same requests, both ways."""

from typing import Any

import pytest

from tests.identity.hall import Org
from tests.support.server import Server

BODIES: list[Any] = [
    {"content": "plain"},
    {"content": "**bold** @nobody", "kind": "question", "title": "T", "metadata": {"a": [1]}},
    {"content": "once", "client_id": "same"},
    {"content": ""},
    {"content": "x", "surprise": 1},
    {"content": 7},
    {"content": "x", "parent_id": "nonsense"},
    {"content": "x", "parent_id": "01a20201-6f77-7004-866d-a0a00e11cca0"},
    [],
]
VOLATILE = ("id", "seq", "created_at", "request_id", "conversation_id")


def comparable(answer: Any) -> tuple[int, Any]:
    body = answer.json()
    return answer.status_code, {key: value for key, value in body.items() if key not in VOLATILE}


@pytest.mark.parametrize("body", BODIES)
async def test_posting_is_the_same_both_ways(server: Server, org: Org, body: Any) -> None:
    direct, routed = [
        await org.owner.api.post(f"/conversations/{await server.channel(org.owner)}/messages{query}", json=body)
        for query in ("", "/")
    ]
    assert comparable(direct) == comparable(routed)


@pytest.mark.parametrize(
    "query", ["", "?limit=2", "?after=1", "?before=3&limit=1", "?after=0&before=9", "?limit=0", "?limit=x", "?after=-1"]
)
async def test_reading_is_the_same_both_ways(server: Server, org: Org, query: str) -> None:
    channel = await server.channel(org.owner)
    for n in range(4):
        await org.owner.api.post(f"/conversations/{channel}/messages", json={"content": str(n)})
    direct = await org.owner.api.get(f"/conversations/{channel}/messages{query}")
    routed = await org.owner.api.get(f"/conversations/{channel}/messages/{query}")
    assert comparable(direct) == comparable(routed)


async def test_strangers_are_refused_both_ways(server: Server, org: Org, other_org: Org) -> None:
    private = await server.channel(org.owner, type="private")
    for path in (f"/conversations/{private}/messages", f"/conversations/{private}/messages/"):
        for api in (other_org.owner.api, (await org.add("member")).api):
            assert (await api.get(path)).status_code == 404
            assert (await api.post(path, json={"content": "x"})).status_code == 404
        assert (await server.client().get(path)).status_code == 401
