"""A search narrowed by author, place, kind, what a message holds, and days."""

import pytest

from tests.conversations.test_search import find
from tests.conversations.ways import group, post
from tests.support.waiting import until


@pytest.mark.rule("E4")
async def test_a_search_is_narrowed_as_it_is_typed(server, org):
    ada, scout = await org.add(), await server.hire(org)
    general, circle = await server.general(org), await group(org.owner, ada, title="Launch Plans")
    await post(org.owner, general, "otter one")
    await post(ada, general, "otter two?", kind="question")
    await post(ada, circle, "otter three https://example.org")
    await post(scout, general, "otter four")
    handle = (await ada.api.get("/me")).json()["user"]["handle"]
    every = ["four", "three", "two", "one"]
    for q, numbers in (
        ("otter", every), (f"otter from:@{handle}", ["three", "two"]), ("otter from:me", ["one"]),
        (f"otter from:{scout.code}", ["four"]), (f"from:{handle}", ["three", "two"]), ("has:link", ["three"]),
        ("otter in:#general", ["four", "two", "one"]), (f"in:{circle}", ["three"]), ("otter kind:question", ["two"]),
        ('otter in:"launch plans"', ["three"]), (f"from:{handle} in:general kind:question two", ["two"]),
        (f"from:{handle} in:general one", []), ("otter has:file", []), ("otter after:yesterday before:2090", every),
        ("otter before:2020", []), ("otter after:today", []), ("otter on:yesterday", []),
        (f"otter from:{general}", []),
    ):  # fmt: skip
        found = await find(server, org.owner, q)
        assert [text.replace("?", "").split()[1] for text in found if text.startswith("otter")] == numbers, q


async def test_a_search_is_narrowed_by_parameters(server, org):
    ada, general = await org.add(), await server.general(org)
    first = await post(org.owner, general, "heron one")
    await post(ada, general, "heron two", kind="alert")
    assert await find(server, org.owner, "heron", author=ada.id) == ["heron two"]
    assert await find(server, org.owner, "", author=ada.id, kind="alert") == ["heron two"]
    assert await find(server, org.owner, "heron", kind="message") == ["heron one"]
    assert await find(server, org.owner, "heron", since=first["created_at"]) == ["heron two", "heron one"]
    assert await find(server, org.owner, "heron", until=first["created_at"]) == []
    assert await find(server, org.owner, "from:me", kind="message", has="link") == []


async def test_files_and_images_are_found(server, org):
    general = await server.general(org)
    held = await org.owner.api.post(f"/conversations/{general}/files", params={"name": "a.txt"}, content=b"words")
    await post(org.owner, general, "ibis", files=[held.raise_for_status().json()["id"]])
    await post(org.owner, general, "ibis too")
    assert await find(server, org.owner, "ibis has:file") == await find(server, org.owner, "has:file") == ["ibis"]
    assert await find(server, org.owner, "has:image") == []


@pytest.mark.rule("B1")
async def test_filters_tell_nothing_of_what_is_out_of_reach(server, org, other_org):
    ada, outsider = await org.add(), await org.add()
    circle = await group(org.owner, title="Secret plans")
    await post(org.owner, circle, "kestrel")
    hidden = await server.channel(org.owner, type="private")
    name = (await org.owner.api.get(f"/conversations/{hidden}")).json()["name"]
    direct = await org.owner.api.post(
        "/conversations", json={"kind": "direct", "members": [{"member_type": "user", "member_id": str(ada.id)}]}
    )
    await post(org.owner, direct.raise_for_status().json()["id"], "kestrel to ada")
    handles = [(await one.api.get("/me")).json()["user"]["handle"] for one in (org.owner, ada, other_org.owner)]
    assert await find(server, org.owner, f"kestrel in:@{handles[1]}") == ["kestrel to ada"]
    assert await find(server, ada, f"in:@{handles[0]}") == ["kestrel to ada"]
    assert await find(server, outsider, f"from:{handles[0]} kestrel") == []
    for q in (f"in:{name}", f"in:{circle}", 'in:"Secret plans"', f"in:@{handles[0]}", f"from:{handles[2]}"):
        refused = await outsider.api.get("/search", params={"q": q})
        absent = await outsider.api.get("/search", params={"q": q[:3] + "nowhere" if q[:3] == "in:" else "from:nobody"})
        assert refused.status_code == absent.status_code == 422, q
        assert refused.json()["code"] == absent.json()["code"]
    assert (await outsider.api.get("/search", params={"q": "x", "conversation": circle})).status_code == 404
    assert await find(server, other_org.owner, f"from:{org.owner.id} kestrel") == []


async def test_days_are_the_person_s_own(server, org):
    general = await server.general(org)
    await post(org.owner, general, "plover")
    for zone, q in (("Pacific/Kiritimati", "plover on:today"), ("Pacific/Niue", "plover on:today")):
        (await org.owner.api.patch("/me", json={"timezone": zone})).raise_for_status()
        assert await find(server, org.owner, q) == ["plover"], zone
        assert await find(server, org.owner, "plover before:today") == []


async def test_another_language_reaches_what_was_written_before(server, org):
    general = await server.general(org)
    await post(org.owner, general, "die Häuser am Fluss")
    assert await find(server, org.owner, '"Haus"') == []
    (await org.owner.api.patch(f"/organizations/{org.id}", json={"search_language": "german"})).raise_for_status()

    async def is_rewritten() -> bool:
        return bool(await find(server, org.owner, '"Haus"'))

    await until(is_rewritten)
