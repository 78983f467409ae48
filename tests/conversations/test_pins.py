"""What is pinned is found again: the last pinned first, within reach only."""

import pytest

from tests.conversations.ways import group, join, post


@pytest.mark.rule("E4")
async def test_pins_are_listed_last_pinned_first_page_by_page(server, org):
    circle, elsewhere = await group(org.owner), await group(org.owner)
    path = f"/conversations/{circle}"
    posted = [(await post(org.owner, circle, f"m{n}"))["id"] for n in range(4)]
    other = (await post(org.owner, elsewhere))["id"]
    for message in (posted[2], posted[0], posted[3]):
        (await org.owner.api.put(f"{path}/messages/{message}/pin")).raise_for_status()
    (await org.owner.api.put(f"/conversations/{elsewhere}/messages/{other}/pin")).raise_for_status()
    first = (await org.owner.api.get(f"{path}/pins", params={"limit": 2})).json()
    assert [item["id"] for item in first["items"]] == [posted[3], posted[0]]
    assert all(item["pinned_at"] for item in first["items"])
    second = (await org.owner.api.get(f"{path}/pins", params={"limit": 2, "after": first["next"]})).json()
    assert ([item["id"] for item in second["items"]], second["next"]) == ([posted[2]], None)
    (await org.owner.api.delete(f"{path}/messages/{posted[3]}/pin")).raise_for_status()
    (await org.owner.api.delete(f"{path}/messages/{posted[0]}")).raise_for_status()
    left = (await org.owner.api.get(f"{path}/pins")).json()["items"]
    assert [item["id"] for item in left] == [posted[2]]


@pytest.mark.rule("B1")
async def test_pins_of_a_private_conversation_are_for_its_members(server, org, other_org):
    member, circle = await join(server, org), await group(org.owner)
    for stranger in (member, other_org.owner):
        answer = await stranger.api.get(f"/conversations/{circle}/pins")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await org.owner.api.get(f"/conversations/{circle}/pins")).json() == {"items": [], "next": None}
