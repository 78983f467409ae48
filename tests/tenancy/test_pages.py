"""Two tenants cannot see each other on any page either."""

import asyncio

import httpx
import pytest

from crewhall.agents.lifecycle import AgentParts
from crewhall.faces.http.routes import build_routes
from tests.support.database import SharedCluster
from tests.support.description import Operation
from tests.support.server import Server
from tests.tenancy.estate import Estate
from tests.tenancy.requests import NOBODYS, path_values
from tests.tenancy.rows import rows_of

pytestmark = pytest.mark.rule("B1")

OPEN = ("/api/", "/static/", "/health/", "/metrics")
FORM = {
    "name": "Taken over",
    "content": "Hello?",
    "role": "admin",
    "description": "Taken over",
    "label": "mine now",
    "confirm": "yes",
}
"""Fields that some form or other asks for."""


@pytest.fixture(scope="module")
def pages(server: Server) -> list[Operation]:
    """Every method of every page. A form that is refused may lead back to its page, which is then not there."""
    found = [
        Operation(method, route.path_format, {}, {})
        for route in build_routes(server.services).routes
        if not route.path_format.startswith(OPEN)
        for method in sorted(getattr(route, "methods", ()))
        if method != "OPTIONS"
    ]
    assert len(found) > 40
    return found


@pytest.fixture(scope="module")
async def browsers(server: Server, estates: tuple[Estate, Estate]) -> dict[str, httpx.AsyncClient]:
    """A signed-in browser for each person of the tenant that asks."""
    own, _ = estates
    made = {}
    for role, person in {"owner": own.org.owner, "admin": own.admin, "member": own.member}.items():
        made[role], _ = await server.browse(person)
        made[role].headers.update({"origin": server.address, "accept": "text/html"})
    return made


SAME_FOR_ALL = {"/help/{name}", "/unsubscribe/{token}", "/brand/logo/{logo_id}", "/brand/accent/{sheet}"}
"""The handbook: its pages are nobody's. Mails' links: who holds one may, signed in or not. Logos and colours: pages
show them before one signs in, to whoever is led to them."""


def shown(answer: httpx.Response, other: Estate, said: str) -> set[str]:
    return {mark for mark in other.marks if mark in answer.text and mark not in said}


async def follow(
    server: Server, browser: httpx.AsyncClient, method: str, path: str, form: dict[str, str] | None = None
) -> httpx.Response:
    """Ask, and go where the answer leads (by hand: the client would forget its cookie on the way)."""
    answer = await browser.request(method, f"{server.address}{path}", data=form)
    while answer.has_redirect_location:
        answer = await browser.get(answer.url.join(answer.headers["location"]))
    return answer


@pytest.mark.timeout(240)
async def test_no_page_opens_or_changes_what_another_tenant_owns(
    server: Server,
    cluster: SharedCluster,
    worker_id: str,
    estates: tuple[Estate, Estate],
    browsers: dict[str, httpx.AsyncClient],
    pages: list[Operation],
):
    own, other = estates
    superuser = cluster.superuser(f"server_{worker_id}")
    await server.services.part(AgentParts).uses.flush()  # of tests before this one
    before = await asyncio.to_thread(rows_of, superuser, str(other.org.id))
    wrong, tried = [], 0
    for page in pages:
        if not page.path_parameters or page.path in SAME_FOR_ALL:
            continue
        whole = path_values(page, other)
        named = [one for one in page.path_parameters if one not in NOBODYS]
        first = page.path_parameters[0]
        mixed = [{**whole[0], first: path_values(page, own)[0][first]}] if len(named) > 1 else []
        for values in whole + mixed:
            path = page.path
            for name, value in values.items():
                path = path.replace(f"{{{name}}}", value)
            for role, browser in browsers.items():
                form = FORM if page.method == "POST" else None
                answer = await follow(server, browser, page.method, path, form)
                tried += 1
                if answer.status_code not in {403, 404, 409, 422} or shown(answer, other, path):
                    wrong.append(f"{role}: {page.method} {path} gave {answer.status_code} {shown(answer, other, path)}")
    assert wrong == []
    assert tried > 100
    assert await asyncio.to_thread(rows_of, superuser, str(other.org.id)) == before


async def test_no_page_names_another_tenant(
    server: Server,
    estates: tuple[Estate, Estate],
    browsers: dict[str, httpx.AsyncClient],
    pages: list[Operation],
):
    _, other = estates
    for page in pages:
        if page.path_parameters or page.method != "GET":
            continue
        for role, browser in browsers.items():
            answer = await follow(server, browser, "GET", f"{page.path}?q=other")
            assert answer.status_code in {200, 403, 404, 410}, (role, page.path, answer.status_code)
            assert shown(answer, other, "") == set(), (role, page.path)


@pytest.mark.parametrize("kind", ["public", "private", "group", "direct"])
async def test_its_owner_reads_the_same_pages(
    server: Server, estates: tuple[Estate, Estate], browsers: dict[str, httpx.AsyncClient], kind: str
):
    """What is refused above is there for whom it belongs to."""
    own, _ = estates
    talk = own.talks[kind]
    answer = await browsers["owner"].get(f"{server.address}/c/{talk.id}")
    assert answer.status_code == 200
    assert talk.message in answer.text
