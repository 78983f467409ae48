"""A search narrowed by author, place, kind, what a message holds, and days."""

import psycopg
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
        (f"otter from:{general}", []), (f"otter from:{handle} from:me", ["three", "two", "one"]),
        (f"from:{scout.code} from:{handle}", ["four", "three", "two"]), (f"otter -from:{handle}", ["four", "one"]),
        (f"otter from:{handle} from:me -in:general", ["three"]), (f"otter in:{circle} in:general", every),
        ("otter kind:question kind:alert", ["two"]), ("otter -kind:question -has:link -four", ["one"]),
        (f"otter -from:{handle} -from:me -from:{scout.code}", []),
        (f"-from:{handle} -from:{scout.code} otter", ["one"]),
        (f"otter has:link has:file -from:{handle}", []), (f"from:{handle} -from:{handle}", []),
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
    assert await find(server, org.owner, "heron", author=[ada.id, org.owner.id]) == ["heron two", "heron one"]
    assert await find(server, org.owner, "heron -from:me", kind=["alert", "message"]) == ["heron two"]
    for query in ({"author": ["nobody"]}, {"kind": ["novel"]}, {"q": "from:me", "author": [str(ada.id)]},
                  {"author": [str(ada.id)] * 21}, {"q": "-from:nobody"}, {"q": "-before:2026"}):  # fmt: skip
        refused = await org.owner.api.get("/search", params=query)
        assert refused.status_code in (400, 422), query
        assert refused.json()["detail"]


async def test_files_and_images_are_found(server, org):
    general = await server.general(org)
    held = await org.owner.api.post(f"/conversations/{general}/files", params={"name": "a.txt"}, content=b"words")
    await post(org.owner, general, "ibis", files=[held.raise_for_status().json()["id"]])
    await post(org.owner, general, "ibis too")
    assert await find(server, org.owner, "ibis has:file") == await find(server, org.owner, "has:file") == ["ibis"]
    assert await find(server, org.owner, "has:image") == []
    assert await find(server, org.owner, "ibis -has:file") == ["ibis too"]


async def attached(member, where, name, **said):
    held = await member.api.post(f"/conversations/{where}/files", params={"name": name}, content=b"words")
    return await post(member, where, files=[held.raise_for_status().json()["id"]], **said)


@pytest.mark.rule("B1")
async def test_files_are_found_by_their_names(server, org):
    general, circle = await server.general(org), await group(org.owner, title="Circle")
    await attached(org.owner, general, "Roadmap_2027-draft.final.txt", content="as promised")
    await attached(org.owner, circle, "東京計画.txt", content="")
    await attached(org.owner, circle, "roadmap-secret.txt", content="psst")
    await attached(org.owner, general, "bold & sly.txt", content="markup")
    for q in ("Roadmap_2027-draft.final.txt", "roadmap promised", "promised roadm", "2027", "draft", "final -psst",
              "has:file draft promised", '"2027 draft"', "promised roadmap_2027"):  # fmt: skip
        assert await find(server, org.owner, q) == ["as promised"], q
    (shown,) = (await org.owner.api.get("/search", params={"q": "draft promis"})).json()["items"]
    assert shown["file_names"] == ["Roadmap_2027-<mark>draft</mark>.final.txt"]
    assert shown["snippet"] == "as <mark>promised</mark>"
    (shown,) = (await org.owner.api.get("/search", params={"q": "Roadmap_2027-draft.final.txt"})).json()["items"]
    assert shown["file_names"] == ["<mark>Roadmap_2027-draft.final.txt</mark>"]
    (shown,) = (await org.owner.api.get("/search", params={"q": "京計"})).json()["items"]
    assert shown["file_names"] == ["東<mark>京計</mark>画.txt"]
    assert await find(server, org.owner, "roadmap -promised") == ["psst"]
    assert await find(server, org.owner, "京計") == [""]
    (shown,) = (await org.owner.api.get("/search", params={"q": "sly"})).json()["items"]
    assert shown["file_names"] == ["bold &amp; <mark>sly</mark>.txt"]
    member = await org.add()
    assert await find(server, member, "roadmap") == ["as promised"]
    assert await find(server, member, "secret") == []


async def test_files_posted_before_their_names_were_words_are_found(server, org, cluster, worker_id):
    general = await server.general(org)
    message = await attached(org.owner, general, "otolith.csv", content="measured")
    await post(org.owner, general, "otolith too, https://example.org")
    assert len(await find(server, org.owner, "otolith")) == 2
    with psycopg.connect(cluster.superuser(f"server_{worker_id}")) as connection:
        as_it_was = "update message_search set vector = search_vector('english', 'measured') where message_id = %s"
        connection.execute(as_it_was, (message["id"],))
        connection.execute("select pg_notify('crewhall_search', '')")
        asked = "insert into search_rewrites (org_id, total, only_holding) values (%s, 2, true)"
        connection.execute(asked, (org.id,))

    async def is_found() -> bool:
        return len(await find(server, org.owner, "otolith")) == 2

    await until(is_found)


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
