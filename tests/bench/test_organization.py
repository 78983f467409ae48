"""The large organization: what is walked, how far, and, in small, that it is written and walked at all."""

import httpx
import msgspec
import pytest

from bench.ground import EMAIL, PASSWORD, temporary_home
from bench.organization.filling import LARGE, shape_of
from bench.organization.routes import Address, addresses, following, operations, pages
from bench.organization.walking import Measured, Pace, rows_of, walk_all
from bench.rows.organization import LIMIT_MS, MOST_ROWS, as_lines, figures_of
from bench.rows.row import Scale
from bench.run import Grounds

DESCRIBED = {
    "/api/v1/people": {"get": {"parameters": [{"name": "limit", "schema": {"maximum": 100}}]}},
    "/api/v1/me": {"get": {}},
    "/api/v1/agents": {"post": {}},
    "/api/v1/conversations/{conversation_id}/stream": {"get": {}},
}


CLOSED = {
    "/",
    "/in/{org_id}",
    "/wiki/{slug}/edit",
    "/styleguide",
    "/styleguide.css",
    "/api/v1/organizations/{org_id}/ownership-offer",
}
"""What leads elsewhere, is for development, or is not there: all that an owner is not shown."""


def answer(path: str, body: object) -> httpx.Response:
    content = {"text": body} if isinstance(body, str) else {"json": body}
    return httpx.Response(200, request=httpx.Request("GET", f"http://bench{path}"), **content)


def measured(route: str, *took: float, who: str = "owner", rows: int = 1) -> Measured:
    return Measured(route, route, who, "first", [*took], [], 1.0, 1.0, rows)


def test_every_get_is_walked_with_the_largest_page_that_it_takes():
    assert operations({"paths": DESCRIBED}) == {"/api/v1/me": 200, "/api/v1/people": 100}
    assert {"/c/{conversation_id}", "/people", "/usage", "/settings/tool-servers"} <= set(pages())
    assert "/login" not in pages()


def test_a_list_is_followed_as_its_answer_says():
    people = Address("/api/v1/people", "/api/v1/people?q=a", 100)
    assert following(people, answer("/", {"items": [], "next": "x"})) == "/api/v1/people?q=a&limit=100&after=x"
    assert following(people, answer("/", {"items": [], "next": None})) is None
    newest = Address("/api/v1/conversations/{id}/messages", "/api/v1/conversations/1/messages")
    assert following(newest, answer("/", {"items": [], "next": "7"})) == f"{newest.path}?limit=200&before=7"
    page = Address("/c", "/c")
    assert following(page, answer("/", '<a href="/c?q=a&amp;after=x">')) == "/c?q=a&after=x"
    assert following(page, answer("/", '<a href="/people">')) is None


def test_the_worst_counts_and_is_named():
    found = [measured("/c", 10, 20), measured("/c", 10, LIMIT_MS + 1, who="busy"), measured("/api/v1/switcher", 30)]
    assert figures_of(found) == {"pages_p99": LIMIT_MS + 1, "lists_p99": 30, "missed": 1, "switcher_p99": 30, "rows": 1}
    lines = as_lines(found).splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("/c (busy, first)  MISSED")


def test_shapes_keep_their_proportions():
    assert shape_of(LARGE.messages) == LARGE
    assert msgspec.structs.astuple(shape_of(100_000)) == (500, 200, 20, 100_000)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_no_page_of_a_large_organization_is_long_and_each_is_opened():
    said: list[str] = []
    with temporary_home() as data:
        async with Grounds(data, Scale(seconds=0.1, runs=1, messages=3_000), said.append) as grounds:
            ground = await grounds.get("organization")
            all_of_them = await addresses(ground)
            asked = [one for one in all_of_them if one.is_page and one.route not in CLOSED]
            async with httpx.AsyncClient(base_url=ground.address, headers={"Origin": ground.address}) as owner:
                await owner.post("/login", data={"email": EMAIL, "password": PASSWORD})
                shown = {one.path: await owner.get(one.path, headers={"Accept": "text/html"}) for one in asked}
            walked = await walk_all(ground, all_of_them, Pace(("owner",), alone=1, fours=0, deep=0), said.append)
    assert {path: page.status_code for path, page in shown.items() if page.status_code not in {200, 303}} == {}
    assert {path: rows_of(page.text) for path, page in shown.items() if rows_of(page.text) > MOST_ROWS} == {}
    assert max(rows_of(page.text) for page in shown.values()) > 100
    assert len(said) == 2
    assert said[-1].startswith("owner could not open ")
    assert {one.route for one in all_of_them} - {one.route for one in walked} == CLOSED
