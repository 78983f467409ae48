"""What is refused to apps, each with the standard's own word; and what is taken back from them."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewhall.identity.audience import Audience
from crewhall.identity.redirects import is_safe, matches
from tests.apps.asking import BACK, App, Person, answer_in, leads_to, link_of, person_of, registered
from tests.identity.hall import Org
from tests.support.server import Server, until_closed


@pytest.fixture
async def http(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.address, timeout=20, verify=False) as made:
        yield made


@pytest.fixture
async def app(server: Server, http: httpx.AsyncClient) -> App:
    return await registered(server, http)


@pytest.fixture
async def person(server: Server, org: Org) -> Person:
    return await person_of(server, org.owner)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.rule("X4")
async def test_who_asks_what_for_and_for_whom_is_shown_and_no_is_told(app: App, person: Person, org: Org):
    back = answer_in(await person.decide(app.asks(), "refuse"))
    assert (back["error"], back["state"], back["iss"]) == ("access_denied", "s&1", app.origin)
    assert "Let Editor in?" in person.seen
    assert str(org.id) in person.seen
    assert "<strong>this computer</strong> (127.0.0.1:3999)" in person.seen
    assert (await person.browser.get("/me/apps")).json()["items"] == []


@pytest.mark.rule("X4", "B1", "X11")
async def test_a_token_is_the_persons_at_the_door_of_one_organization_and_nowhere_else(
    server: Server, app: App, person: Person, org: Org, other_org: Org
):
    given = await app.let_in(person)
    assert (given["token_type"], given["scope"]) == ("Bearer", "read write")
    token = given["access_token"]
    assert (await app.status(token)).status_code == 200
    assert (await app.status(token, **{"x-crewhall-org": org.slug})).status_code == 200
    foreign = await app.status(token, **{"x-crewhall-org": other_org.slug})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    for path in ("/api/v1/me", "/api/v1/me/apps", "/openai/v1/models", "/", "/oauth/authorize"):
        elsewhere = await app.status(token, path)
        assert (path, elsewhere.status_code, elsewhere.json()["code"]) == (path, 403, "forbidden")
    async with server.live(token) as socket:
        await until_closed(socket)
    cookie = await app.http.get("/api/v1/me", headers={"cookie": f"crewhall_session={token}"})
    assert cookie.status_code == 403
    for other in (given["refresh_token"], "cwa_" + "x" * 43):
        refused = await app.status(other)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert f'resource_metadata="{server.address}/.well-known' in refused.headers["www-authenticate"]


@pytest.mark.rule("X4")
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:4000/callback"}, "invalid_grant"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"client_id": "app-nobody"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"code": "cwc_nothing"}, "invalid_grant"),
    ],
)
async def test_a_code_is_redeemed_only_as_it_was_asked_for(app: App, person: Person, changed, code):
    given = answer_in(await person.decide(app.asks()))["code"]
    status, error = said(await app.redeem(**{"code": given, **changed}))
    assert (status, error) == (401 if code == "invalid_client" else 400, code)


@pytest.mark.rule("X4")
async def test_a_replayed_code_takes_back_what_it_gave(app: App, person: Person):
    code = answer_in(await person.decide(app.asks()))["code"]
    given = (await app.redeem(code)).json()
    assert (await app.status(given["access_token"])).status_code == 200
    assert said(await app.redeem(code)) == (400, "invalid_grant")
    assert (await app.status(given["access_token"])).status_code == 401
    assert said(await app.refresh(given["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.rule("X4")
async def test_two_who_redeem_a_code_at_once_do_not_both_get_tokens(app: App, person: Person):
    code = answer_in(await person.decide(app.asks()))["code"]
    answers = await asyncio.gather(*(app.redeem(code) for _ in range(4)))
    assert sum(one.status_code == 200 for one in answers) <= 1


@pytest.mark.rule("X4")
async def test_a_refresh_token_works_once_and_a_second_use_ends_it_all(
    server: Server, http: httpx.AsyncClient, app: App, person: Person
):
    first = await app.let_in(person)
    other = await registered(server, http)
    assert said(await other.refresh(first["refresh_token"])) == (400, "invalid_grant"), "another app's"
    second = (await app.refresh(first["refresh_token"])).json()
    assert (await app.status(second["access_token"])).status_code == 200
    assert said(await app.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert (await app.status(second["access_token"])).status_code == 401
    assert said(await app.refresh(second["refresh_token"])) == (400, "invalid_grant")
    listed = (await person.browser.get("/audit")).json()["items"]
    assert (listed[0]["action"], listed[0]["details"]["reason"]) == ("app.shut_out", "a refresh token was used twice")


@pytest.mark.rule("X4")
async def test_what_is_too_old_is_refused(server: Server, app: App, person: Person, org: Org):
    given = await app.let_in(person)
    code = answer_in(await person.decide(app.asks()))["code"]
    async with server.db.transaction(org.owner.actor) as tx:
        await tx.run("update login_tokens set expires_at = now() where kind like 'app_%%'", {})
    server.services.verified.forget_all()
    assert said(await app.redeem(code)) == (400, "invalid_grant")
    assert said(await app.refresh(given["refresh_token"])) == (400, "invalid_grant")
    assert (await app.status(given["access_token"])).status_code == 401


@pytest.mark.rule("X4", "C10")
async def test_the_person_and_the_app_end_it_and_nobody_else(
    server: Server, http: httpx.AsyncClient, app: App, person: Person, org: Org, other_org: Org
):
    one, two = await app.let_in(person), await app.let_in(person, write=False)
    assert (await app.status(one["access_token"])).status_code == 200
    listed = (await org.owner.api.get("/me/apps")).json()["items"]
    assert [(each["name"], each["scopes"]) for each in listed] == [
        ("Editor", ["read"]),
        ("Editor", ["read", "write"]),
    ]
    member = await org.add("member")
    for stranger in (other_org.owner, member):
        assert (await stranger.api.get("/me/apps")).json()["items"] == []
        assert (await stranger.api.delete(f"/me/apps/{listed[1]['id']}")).status_code == 404
    assert (await org.owner.api.delete(f"/me/apps/{listed[1]['id']}")).status_code == 204
    assert (await app.status(one["access_token"])).status_code == 401

    other = await registered(server, http)
    stolen = await http.post("/oauth/revoke", data={"token": two["access_token"], "client_id": other.id})
    assert said(stolen) == (400, "unauthorized_client")
    assert (await app.status(two["access_token"])).status_code == 200
    for token in (two["refresh_token"], "cwf_nothing"):
        revoked = await http.post("/oauth/revoke", data={"token": token, "client_id": app.id})
        assert revoked.status_code == 200
    assert (await app.status(two["access_token"])).status_code == 401
    assert (await org.owner.api.get("/me/apps")).json()["items"] == []


@pytest.mark.rule("X4", "C10")
async def test_who_leaves_takes_their_apps_along(server: Server, app: App, org: Org):
    member = await org.add("member")
    given = await app.let_in(await person_of(server, member))
    assert (await app.status(given["access_token"])).status_code == 200
    (await org.owner.api.delete(f"/people/{member.id}")).raise_for_status()
    assert (await app.status(given["access_token"])).status_code == 401
    assert said(await app.refresh(given["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.rule("X4")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "read admin"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told_to_the_app(app: App, person: Person, changed, error):
    page = await person.open(app.asks(**changed))
    back = answer_in(link_of(page))
    assert (back["error"], back["state"], "code" in back) == (error, "s&1", False)
    assert "http-equiv" not in page.text, "nobody is led to an app that they never let in"


@pytest.mark.rule("X4")
async def test_an_app_that_was_let_in_is_told_at_once_what_is_wrong(app: App, person: Person):
    await app.let_in(person)
    assert answer_in(leads_to(await person.open(app.asks(scope="admin"))))["error"] == "invalid_scope"


@pytest.mark.rule("X4")
@pytest.mark.parametrize(
    "changed", [{"redirect_uri": "https://evil.example/callback"}, {"client_id": "app-nobody"}, {"client_id": None}]
)
async def test_nobody_is_sent_to_where_the_app_has_not_said_before(app: App, person: Person, changed):
    page = await person.open(app.asks(**changed))
    assert page.status_code in {404, 422}
    assert "http-equiv" not in page.text
    assert "evil" not in page.text


@pytest.mark.rule("X4", "E2")
async def test_only_a_person_at_a_browser_of_ours_decides(server: Server, app: App, person: Person, org: Org):
    page = await person.open(app.asks())
    guest = await app.http.get(app.asks(), headers={"accept": "text/html"})
    assert guest.headers["location"].startswith("/login?next=%2Foauth%2Fauthorize")
    with pytest.raises(AssertionError):
        await Person(person.browser, server.address).press(page, "let_in", organization="nowhere")
    foreign = await person.browser.post(
        f"{server.address}/oauth/authorize", data={"decision": "let_in"}, headers={"origin": "https://evil.example"}
    )
    assert (foreign.status_code, foreign.json()["code"]) == (403, "cross_origin")
    token = (await org.owner.api.post("/me/tokens", json={"name": "editor"})).json()["token"]
    for api, why in ((server.client(token), "personal token"), (org.owner.api, "signed in with a browser")):
        with pytest.raises(AssertionError, match=why):
            await Person(api, server.address).press(page, "let_in")


@pytest.mark.rule("X4", "B1")
async def test_nobody_lets_an_app_in_to_another_organization(server: Server, app: App, person: Person, other_org: Org):
    with pytest.raises(AssertionError, match="no such organization"):
        await person.decide(app.asks(), organization=str(other_org.id))


@pytest.mark.rule("X4")
async def test_registration_takes_what_it_can_use(http: httpx.AsyncClient):
    wrong: list[tuple[object, str]] = [
        ({"client_name": "x"}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://evil.example/"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [BACK, "javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": BACK}, "invalid_client_metadata"),
        ([], "invalid_client_metadata"),
    ]
    for body, error in wrong:
        assert said(await http.post("/oauth/register", json=body)) == (400, error)
    odd = {"client_name": "a\u202eb\n", "redirect_uris": [BACK], "token_endpoint_auth_method": "client_secret_post"}
    made = (await http.post("/oauth/register", json=odd)).json()
    assert (made["client_name"], made["token_endpoint_auth_method"]) == ("a b", "none")
    assert "client_secret" not in made


@pytest.mark.parametrize(
    ("asked", "named", "good"),
    [
        ("https://app.example/cb", "https://app.example/cb", True),
        ("https://app.example/cb?x=1", "https://app.example/cb", False),
        ("https://app.example:444/cb", "https://app.example/cb", False),
        ("https://app.example/CB", "https://app.example/cb", False),
        ("http://127.0.0.1:5/cb", "http://127.0.0.1:1/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb", True),
        ("http://[::1]:7/cb", "http://[::1]/cb", True),
        ("http://localhost:7/cb", "http://localhost/cb", True),
        ("http://localhost:7/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:7/other", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1.evil.example/cb", "http://127.0.0.1/cb", False),
        ("http://user@127.0.0.1/cb", "http://127.0.0.1/cb", False),
        ("http://127.0.0.1:x/cb", "http://127.0.0.1/cb", False),
        ("https://127.0.0.1:5/cb", "https://127.0.0.1:1/cb", False),
    ],
)
def test_an_address_is_matched_letter_by_letter_but_for_a_port_on_this_computer(asked, named, good):
    assert matches(asked, [named]) is good


PIECES = st.sampled_from(
    ["http", "https", "cursor", ":", "//", "127.0.0.1", "localhost", "[::1]", "evil.example", "@", ".", ":80", ":x",
     "/", "/cb", "?x=1", "#", "\\", "%2f", " ", "\n", "ä"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join))
def test_whatever_is_asked_for_leads_to_where_the_app_has_said(asked):
    named = ["http://127.0.0.1/cb", "https://app.example/cb"]
    if matches(asked, named):
        assert is_safe(asked)
        assert asked == named[1] or (urlsplit(asked).hostname, urlsplit(asked).path) == ("127.0.0.1", "/cb")


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "data:text/html,x", "http://app.example/", "https://", "https://a@b.example/",
        "https://app.example/#x", "file:///etc/passwd", "//app.example/", "https://app.example/ x", "https://ä.example/",
        'https://app.example/"><script>', "cursor:x", "myapp://x/",
    ],
)  # fmt: skip
def test_nobody_is_sent_to_addresses_that_are_not_safe(uri):
    assert not is_safe(uri)


@pytest.mark.parametrize(
    ("base", "resource", "read"),
    [
        ("https://hall.example", None, "https://hall.example/mcp"),
        ("https://hall.example", "https://hall.example/mcp", "https://hall.example/mcp"),
        ("https://hall.example", "HTTPS://Hall.Example/mcp/", "https://hall.example/mcp"),
        ("https://hall.example", "https://hall.example", None),
        ("https://hall.example", "https://hall.example/mcp#x", None),
        ("https://hall.example", "https://hall.example/mcp?x", None),
        ("https://hall.example", "https://hall.example.evil/mcp", None),
        ("https://hall.example", "http://localhost:1/mcp", None),
        ("http://127.0.0.1:8787", "http://localhost:8787/mcp", "http://localhost:8787/mcp"),
        ("http://127.0.0.1:8787", "http://elsewhere:8787/mcp", None),
        ("https://hall.example", "http://[x/mcp", None),
    ],
)
def test_the_door_is_known_under_its_own_addresses_alone(base, resource, read):
    assert Audience(base).read(resource) == read
