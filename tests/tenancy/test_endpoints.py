"""Two tenants cannot see each other by any operation of the API, whatever their role there."""

import asyncio
from dataclasses import dataclass

import httpx
import msgspec
import pytest

from tests.support.database import SharedCluster
from tests.support.description import Operation, read_operations
from tests.support.installation import begun_with
from tests.support.server import Server, frames_until, token_of
from tests.tenancy.estate import Estate
from tests.tenancy.requests import Request, body_of, foreign_requests, path_values, required_query
from tests.tenancy.rows import rows_of

pytestmark = pytest.mark.rule("B1")

REFUSED = {401, 403, 404, 409, 422}  # 401: a webhook asks for its signature, whoever calls
TIMEOUT_S = 10


@dataclass
class Pair:
    """Two tenants of one server, and all that it can do."""

    own: Estate
    other: Estate
    operations: list[Operation]
    superuser_url: str

    def others_rows(self) -> dict[str, list[str]]:
        return rows_of(self.superuser_url, str(self.other.org.id))


@pytest.fixture(scope="module")
async def pair(server: Server, cluster: SharedCluster, worker_id: str, estates: tuple[Estate, Estate]) -> Pair:
    own, other = estates
    operations = await read_operations(server.client())
    return Pair(own, other, operations, cluster.superuser(f"server_{worker_id}"))


def leaks(answer: httpx.Response, estate: Estate, request: Request | None = None) -> set[str]:
    """What of the estate an answer shows, other than what the request itself said."""
    said = str(request) if request else ""
    return {mark for mark in estate.marks if mark in answer.text and mark not in said}


def is_nothing(answer: httpx.Response) -> bool:
    """An empty page says as little as a refusal: that something which is not there has nothing in it."""
    nothing = (
        {"items": [], "next": None},
        {"items": [], "next": None, "previous": None},
        {"found": [], "more": False, "by_meaning": True},
    )
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return answer.status_code == 200 and len(answer.text.splitlines()) <= 1  # a table without rows
    return answer.status_code == 200 and answer.json() in nothing


def is_refused_one_by_one(request: Request, answer: httpx.Response) -> bool:
    """Of several tasks each is answered: none was changed."""
    return request.path == "/tasks/changes" and answer.status_code == 200 and not answer.json()["changed"]


def fault(role: str, request: Request, answer: httpx.Response, other: Estate) -> str | None:
    is_harmless = is_refused_one_by_one(request, answer) or (request.method == "GET" and is_nothing(answer))
    if answer.status_code not in REFUSED and not is_harmless:
        return f"{role}: {request} gave {answer.status_code} {answer.text[:200]}"
    if shown := leaks(answer, other, request):
        return f"{role}: {request} showed {shown}"
    return None


@pytest.mark.rule("X11")
@pytest.mark.timeout(240)
async def test_no_operation_reaches_what_another_tenant_owns(pair: Pair):
    before = await asyncio.to_thread(pair.others_rows)
    requests = [
        request for operation in pair.operations for request in foreign_requests(operation, pair.own, pair.other)
    ]
    assert len(requests) > 150, len(requests)
    print(len(requests), "requests for each role")
    faults = []
    for role, api in pair.own.clients().items():
        for request in requests:
            answer = await api.request(
                request.method, request.path, json=request.body, params=request.query, timeout=TIMEOUT_S
            )
            faults.append(fault(role, request, answer, pair.other))
    assert [one for one in faults if one] == []
    assert await asyncio.to_thread(pair.others_rows) == before


async def test_no_list_shows_what_another_tenant_owns(pair: Pair):
    lists = [one for one in pair.operations if one.method == "GET" and not one.path_parameters]
    assert len(lists) >= 8
    for role, api in pair.own.clients().items():
        for operation in lists:
            answer = await api.get(operation.path, params=required_query(operation, "other"))
            assert answer.status_code in {200, 403}, (role, str(operation), answer.text)
            assert not leaks(answer, pair.other), (role, str(operation))


async def test_naming_another_tenant_in_the_header_opens_nothing(pair: Pair):
    before = await asyncio.to_thread(pair.others_rows)
    for role, api in pair.own.clients().items():
        # An agent's key that is refused is verified anew each time (bcrypt) and throttled: a few tries must do.
        operations = pair.operations[::12] if role == "agent" else pair.operations
        for number, operation in enumerate(operations):
            value = str(pair.other.org.id) if number % 2 else pair.other.org.slug
            path = operation.path
            for name, part in path_values(operation, pair.other)[0].items():
                path = path.replace(f"{{{name}}}", part)
            answer = await api.request(
                operation.method,
                path,
                json=body_of(operation),
                params=required_query(operation, "other"),
                headers={"x-crewhall-org": value},
                timeout=TIMEOUT_S,
            )
            assert answer.status_code in {400, 401, 403, 404, 409, 422}, (role, str(operation), answer.text)
            said = Request("", operation.method, f"{path} {value}", None, {})
            assert not leaks(answer, pair.other, said), (role, str(operation))
    assert await asyncio.to_thread(pair.others_rows) == before


async def test_the_owner_reaches_all_of_it_by_the_same_paths(pair: Pair):
    """What is refused above exists: each reading operation shows it to whom it belongs."""
    shown: set[str] = set()
    async with begun_with(pair.other.org.hall, pair.other.org.id):
        for operation in pair.operations:
            if operation.method != "GET" or operation.path.endswith(("/stream", "/picture")):
                continue  # one has no end, and the document of an image has no pages
            for values in path_values(operation, pair.other):
                path = operation.path
                for name, value in values.items():
                    path = path.replace(f"{{{name}}}", value)
                inbox = pair.other.talks["inbox"].id in path
                api = pair.other.agent.api if inbox else pair.other.org.owner.api
                answer = await api.get(path, params=required_query(operation, pair.other.org.slug))
                is_record = inbox and "/messages/" in path  # a delivery is a record of the log, not a message
                assert answer.status_code == (404 if is_record else 200), (str(operation), path, answer.text)
                shown |= leaks(answer, pair.other)
    assert shown >= pair.other.marks - pair.other.away - {pair.other.talks["inbox"].message}


async def test_the_socket_reaches_nothing_of_another_tenant(pair: Pair, server: Server):
    before = await asyncio.to_thread(pair.others_rows)
    for api in pair.own.clients().values():
        async with server.live(token_of(api)) as socket:
            for talk in pair.other.talks.values():
                for frame in (
                    {"type": "subscribe", "after": 0},
                    {"type": "post", "content": "Hello?", "client_id": "x"},
                    {"type": "typing"},
                ):
                    await socket.send(msgspec.json.encode({"conversation": talk.id, **frame}).decode())
                    (*_, answer) = await frames_until(socket, "error")
                    assert answer["code"] == "not_found", answer
    assert await asyncio.to_thread(pair.others_rows) == before
