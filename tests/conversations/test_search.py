import pytest

from crewhall.conversations.snippets import snippet as snippet_of
from tests.conversations.ways import caught_up, group, post


async def find(server, someone, q, **params):
    await caught_up(server.db, "search")
    answer = await someone.api.get("/search", params={"q": q, **params})
    return [item["content"] for item in answer.raise_for_status().json()["items"]]


@pytest.mark.rule("E4")
async def test_messages_are_found_newest_first_within_reach(server, org):
    ada = await org.add()
    general, circle = await server.general(org), await group(org.owner)
    await post(org.owner, general, "the quick brown fox")
    await post(org.owner, circle, "a quick secret")
    await post(ada, general, "quicker than a fox", title="Speed report")
    assert await find(server, org.owner, '"quick"') == ["a quick secret", "the quick brown fox"]
    assert await find(server, ada, '"quick"') == ["the quick brown fox"]
    assert await find(server, ada, "foxes") == ["quicker than a fox", "the quick brown fox"]
    assert await find(server, ada, '"brown fox" -quicker') == ["the quick brown fox"]
    assert await find(server, ada, "speed") == ["quicker than a fox"]
    assert await find(server, org.owner, "quick", conversation=circle) == ["a quick secret"]
    assert (await ada.api.get("/search", params={"q": "x", "conversation": circle})).status_code == 404


@pytest.mark.rule("B1")
async def test_nothing_of_others_is_found(server, org, other_org):
    outsider, agent = await org.add("admin"), await server.hire(org)
    circle = await group(org.owner)
    await post(org.owner, circle, "zebra in the group")
    await post(org.owner, await server.channel(org.owner, type="private"), "zebra in private")
    await post(org.owner, await server.general(org), "zebra in general")
    for someone in (outsider, agent):
        assert await find(server, someone, "zebra") == ["zebra in general"]
    assert await find(server, other_org.owner, "zebra") == []
    assert (await server.client().get("/search", params={"q": "zebra"})).status_code == 401


async def test_edits_are_found_by_their_new_words_and_deleted_messages_not_at_all(server, org):
    general = await server.general(org)
    edited, deleted = await post(org.owner, general, "walrus one"), await post(org.owner, general, "walrus two")
    base = f"/conversations/{general}/messages"
    (await org.owner.api.patch(f"{base}/{edited['id']}", json={"content": "narwhal"})).raise_for_status()
    (await org.owner.api.delete(f"{base}/{deleted['id']}")).raise_for_status()
    assert await find(server, org.owner, "walrus") == []
    assert await find(server, org.owner, "narwhal") == ["narwhal"]


async def test_a_removed_member_finds_nothing_of_the_conversation_any_more(server, org):
    ada = await org.add()
    circle = await group(org.owner, ada)
    await post(org.owner, circle, "okapi")
    assert await find(server, ada, "okapi") == ["okapi"]
    (await org.owner.api.delete(f"/conversations/{circle}/members/user/{ada.id}")).raise_for_status()
    assert await find(server, ada, "okapi") == []


async def test_languages_without_spaces_are_found_by_pieces(server, org):
    general = await server.general(org)
    tower, castle, phone = "東京タワーで会いましょう", "大阪城と人々", "iPhoneを買う 東京で"
    for content in (tower, castle, phone):
        await post(org.owner, general, content)
    for q, found in (
        ("東京タワー", [tower]), ("東京", [phone, tower]), ("東", [phone, tower]), ("京東", []),
        ("タワー 東京", [tower]), ("東京 iphone", [phone]), ("東京 iPh", [phone]), ("iphone東京", [phone]),
        ("大阪 or タワー", [castle, tower]), ("東京 -タワー", [phone]), ('"東京"', [phone, tower]),
        ('"iphone を買う"', [phone]), ("人々", [castle]),
        ("京都", []), ("会いましょう", [tower]), ("ワタ", []), ("城 大", [castle]),
    ):  # fmt: skip
        assert await find(server, org.owner, q) == found, q


async def test_snippets_are_safe_html_that_marks_what_matched(server, org):
    general = await server.general(org)
    await post(org.owner, general, "<script>alert('gazelle')</script> & a gazelle")
    await post(org.owner, general, "長い話" * 40 + "<b>麒麟</b>" + "続く" * 60)
    await caught_up(server.db, "search")
    hit = (await org.owner.api.get("/search", params={"q": "gazelle"})).json()["items"][0]
    assert "<script" not in hit["snippet"]
    assert "<mark>gazelle</mark>" in hit["snippet"]
    assert hit["conversation"]["name"] == "general"
    hit = (await org.owner.api.get("/search", params={"q": "麒麟"})).json()["items"][0]
    assert "&lt;b&gt;<mark>麒麟</mark>&lt;/b&gt;" in hit["snippet"]
    assert len(hit["snippet"]) < 250
    assert snippet_of("<&>", "&", []) == "&lt;<mark>&amp;</mark>&gt;"


async def snippet(server, org, content, q):
    await post(org.owner, await server.general(org), content)
    await caught_up(server.db, "search")
    return (await org.owner.api.get("/search", params={"q": q})).json()["items"][0]["snippet"]


@pytest.mark.parametrize(("content", "q", "shown"), [
    ("meet at 9 on 4 May", "meet", "<mark>meet</mark> at 9 on 4 May"),
    ("it is so: a meeting", "meet", "it is so: a <mark>meeting</mark>"),
    ("if a < b then <i>narrow</i> it", "narrow", "if a &lt; b then &lt;i&gt;<mark>narrow</mark>&lt;/i&gt; it"),
    ("今日は9時に会う", "9時", "今日は<mark>9時</mark>に会う"),
    ("# Plan\n\n- **meet** at `9`\n> see [the map](https://example.org/a)", "meet",
     "Plan\n\n<mark>meet</mark> at 9\n see the map"),
    ("| who | when |\n|---|:--:|\n| we meet | 9 |", "meet", "who | when\n we <mark>meet</mark> | 9"),
    # the last word may be a beginning, and accents may be left out
    ("the deployment is done", "depl", "the <mark>deployment</mark> is done"),
    ("the deployment is done", "deploymen", "the <mark>deployment</mark> is done"),
    ("Deploys and deployments", "deploy", "<mark>Deploys</mark> and <mark>deployments</mark>"),
    ("a happy day, a happier one", "happ", "a <mark>happy</mark> day, a <mark>happier</mark> one"),
    ("Ein Café in Łódź", "cafe lod", "Ein <mark>Café</mark> in <mark>Łódź</mark>"),
    ("Ein Cafe in Lodz", "café łód", "Ein <mark>Cafe</mark> in <mark>Lodz</mark>"),
    ("die Straße", "strasse", "die <mark>Straße</mark>"),
    ("iPhoneを東京で買う", "東京 iphone", "<mark>iPhone</mark>を<mark>東京</mark>で買う"),
    ("東京と京都", "京都 -大阪", "東京と<mark>京都</mark>"),
    ("an e-mail to ada", "ada e-ma", "an <mark>e-mail</mark> to <mark>ada</mark>"),
])  # fmt: skip
async def test_a_short_message_is_shown_whole_and_what_was_found_marked(server, org, content, q, shown):
    assert await snippet(server, org, content, q) == shown


async def test_a_long_message_is_shown_in_context(server, org):
    filler = "so it is as it was on 4 May, " * 40
    shown = await snippet(server, org, f"{filler}a walrus at 9 on 5 June. {filler}", "walrus")
    assert "a <mark>walrus</mark> at 9 on 5 June." in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 400


async def test_quotes_or_and_not_keep_their_meaning_beside_beginnings_and_accents(server, org):
    general = await server.general(org)
    for content in ("café noir", "cafe latte", "noir tea", "teapot and cafeteria"):
        await post(org.owner, general, content)
    cafes = ["cafe latte", "café noir"]
    assert await find(server, org.owner, "caf") == ["teapot and cafeteria", *cafes]
    assert await find(server, org.owner, '"cafe"') == cafes, "a quoted word is a whole one"
    assert await find(server, org.owner, '"café noir"') == await find(server, org.owner, '"cafe noir"') == ["café noir"]
    assert await find(server, org.owner, '"noir cafe"') == [], "no phrase runs from one spelling into the other"
    assert await find(server, org.owner, "latte or tea") == ["teapot and cafeteria", "noir tea", "cafe latte"]
    assert await find(server, org.owner, "caf noir") == [], "only the last word is a beginning"
    assert await find(server, org.owner, "noir caf") == ["café noir"]
    assert await find(server, org.owner, "noir -caf") == ["noir tea", "café noir"], "what is excluded is a whole word"
    for without in ("noir -café", "noir -cafe"):
        assert await find(server, org.owner, without) == ["noir tea"]
    assert await find(server, org.owner, "latte -café") == [], "what is excluded is so in either spelling"


async def test_word_endings_and_accents_of_the_organization_s_language(server, org):
    (await org.owner.api.patch(f"/organizations/{org.id}", json={"search_language": "french"})).raise_for_status()
    general = await server.general(org)
    await post(org.owner, general, "des pommes mangées dans la rue")
    for q in ("mangé", "mangees", "mange", "MANGÉES", "pomme mang"):
        assert await find(server, org.owner, q) == ["des pommes mangées dans la rue"], q
    assert await find(server, org.owner, "dans") == [], "a stop word is no beginning"


async def test_pages_of_hits_follow_each_other(server, org):
    general = await server.general(org)
    for number in range(7):
        await post(org.owner, general, f"puffin {number}")
    await caught_up(server.db, "search")
    seen, after = [], {}
    while True:
        page = (await org.owner.api.get("/search", params={"q": "puffin", "limit": 3, **after})).json()
        seen += [item["content"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [f"puffin {number}" for number in reversed(range(7))]


@pytest.mark.parametrize("q", [
    "&", "!!", "'", '"', "\\", "a:*", "the", "or", "-", "(", "<mark>", "🙂", "%", "_", "x" * 200, "a - b", "-a b", '"a',
    "o'b", "x or", "http://x.org/a\\b'c", "foo:*&", "é", "10293847561029384756", "a.b-c/d@e.f",
])  # fmt: skip
async def test_odd_queries_are_answered(server, org, q):
    await post(org.owner, await server.general(org), f"odd {q}")
    await caught_up(server.db, "search")
    assert (await org.owner.api.get("/search", params={"q": q})).status_code == 200


async def test_impossible_queries_are_refused(org):
    for params in (
        {},
        {"q": ""},
        {"q": "  "},
        {"q": "x from:nobody"},
        {"q": "in:nowhere"},
        {"q": "in:@nobody"},
        {"q": "x kind:rumour"},
        {"q": "has:teeth"},
        {"q": "before:sometime"},
        {"q": "after:0001-01-01"},
        {"q": "on:9999-12-31"},
        {"q": "on:today on:2026"},
        {"q": "x kind:alert", "kind": "alert"},
        {"q": "x", "kind": "rumour"},
        {"q": "x", "has": "teeth"},
        {"q": "x", "since": "sometime"},
        {"q": "x" * 201},
        {"q": "\0"},
        {"q": "x", "after": "?"},
        {"q": "x", "limit": 0},
    ):
        assert (await org.owner.api.get("/search", params=params)).status_code in {400, 422}, params


async def test_words_that_are_left_out_of_the_search_are_said_to_be(server, org):
    await post(org.owner, await server.general(org), "this is the one")
    await caught_up(server.db, "search")
    browser, _ = await server.browse(org.owner)
    too_common, nothing = "Too common to be found", "Nothing found"
    for q, words in (("the", too_common), ("the gazelle", nothing), ("東", nothing), ('"', nothing), ("🎉", nothing)):
        assert words in (await browser.get(f"{server.address}/search", params={"q": q})).text
