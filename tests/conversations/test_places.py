"""Reading around a place: a message, a moment, the first unread one; in a conversation and in a thread."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from crewhall.conversations.pages_places import days_of, place_of
from crewhall.kernel.actor import Actor
from tests.identity.hall import Org
from tests.support.server import Server

COUNT = 12


async def _said(api: httpx.AsyncClient, where: str, content: str, **fields: Any) -> dict[str, Any]:
    answer = await api.post(f"/conversations/{where}/messages", json={"content": content, **fields})
    return dict(answer.raise_for_status().json())


async def _page(api: httpx.AsyncClient, where: str, **query: Any) -> tuple[list[str], str | None]:
    answer = (await api.get(f"/conversations/{where}/messages", params=query)).raise_for_status().json()
    return [item["content"] for item in answer["items"]], answer["next"]


async def test_a_page_around_a_message_goes_on_both_ways(server: Server, org: Org):
    api = org.owner.api
    where = await server.channel(org.owner)
    said = [await _said(api, where, f"m{number}") for number in range(COUNT)]
    seqs = [message["seq"] for message in said]
    found, following = await _page(api, where, around=seqs[5], limit=4)
    assert (found, following) == (["m4", "m5", "m6", "m7"], str(seqs[7]))
    assert (await _page(api, where, after=following, limit=2))[0] == ["m8", "m9"]
    assert (await _page(api, where, before=seqs[4], limit=2))[0] == ["m2", "m3"]
    assert await _page(api, where, around=seqs[-1], limit=4) == (["m10", "m11"], None)
    assert await _page(api, where, around=0, limit=4) == (["m0", "m1"], str(seqs[1]))
    assert (await _page(api, where, around=seqs[5], limit=1))[0] == ["m5"]
    wrongs: list[dict[str, str]] = [{"around": "1", "after": "1"}, {"at": "2026-01-01T00:00:00Z", "around": "1"}]
    for wrong in (*wrongs, {"at": "2026-01-01T00:00:00"}):
        assert (await api.get(f"/conversations/{where}/messages", params=wrong)).status_code == 422


async def test_a_moment_is_found_by_halving(server: Server, org: Org):
    api = org.owner.api
    where = await server.channel(org.owner)
    said = [await _said(api, where, f"m{number}") for number in range(COUNT)]
    await api.put(f"/conversations/{where}/messages/{said[3]['id']}/pin")  # takes a seq and is no message
    for number in (0, 4, COUNT - 1):
        found, _ = await _page(api, where, at=said[number]["created_at"], limit=2)
        assert f"m{number}" in found
    past = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    assert (await _page(api, where, at=past, limit=2))[0] == ["m0", "m1"]
    ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await _page(api, where, at=ahead, limit=2))[0] == [f"m{COUNT - 1}"]


async def test_a_long_thread_is_read_from_its_end(server: Server, org: Org):
    api = org.owner.api
    where = await server.channel(org.owner)
    root = await _said(api, where, "root")
    replies = [await _said(api, where, f"r{number}", parent_id=root["id"]) for number in range(6)]
    await _said(api, where, "beside")
    assert (await _page(api, where, parent=root["id"], limit=2))[0] == ["r0", "r1"]
    newest, following = await _page(api, where, parent=root["id"], before=replies[-1]["seq"] + 1, limit=2)
    assert newest == ["r4", "r5"]
    assert (await _page(api, where, parent=root["id"], before=following, limit=2))[0] == ["r2", "r3"]
    assert (await _page(api, where, parent=root["id"], around=replies[3]["seq"], limit=2))[0] == ["r3", "r4"]


@pytest.mark.rule("B1")
async def test_a_place_in_a_conversation_of_others_is_not_there(server: Server, org: Org, other_org: Org):
    """Whoever may not read it, here or elsewhere, is answered as for a conversation that is not there."""
    private = await server.channel(org.owner, type="private")
    said = await _said(org.owner.api, private, "hush")
    outsider, nowhere = await org.add(), said["id"]
    answers = [
        await api.get(f"/conversations/{where}/messages", params={"around": said["seq"]})
        for api, where in ((outsider.api, private), (other_org.owner.api, private), (outsider.api, nowhere))
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    pages, _ = await server.browse(outsider)
    shown = [await pages.get(f"{server.address}/c/{where}?at={said['seq']}") for where in (private, nowhere)]
    assert {page.status_code for page in shown} == {404}
    assert (await _page(org.owner.api, private, around=said["seq"]))[0] == ["hush"]


async def test_a_page_names_its_place(server: Server, org: Org):
    where, actor = await server.channel(org.owner), org.owner.actor
    said = await _said(org.owner.api, where, "first")
    zone = ZoneInfo("Pacific/Auckland")

    async def place(at: str | None, who: Actor = actor) -> Any:
        return await place_of(server.services, who, UUID(where), at, zone)

    assert await place(None) is None
    assert await place("nonsense") is None
    assert (await place(str(said["seq"]))).seq == said["seq"]
    assert (await place(days_of(zone).today)).seq <= said["seq"]
    unread = await place("unread")
    assert unread.is_unread
    assert unread.seq <= said["seq"]
    assert await place("unread", (await org.add()).actor) is None, "who has not joined keeps no mark"
