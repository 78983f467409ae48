"""The API's description is valid OpenAPI 3.1, complete, and readable."""

import re
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.description import Operation
from tests.support.server import Server
from tests.tenancy.requests import BODIES

NO_BODY = {"204"}
MOST_WORDS = 10


def test_it_is_valid_openapi(description: dict[str, Any]):
    assert description["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(description).iter_errors()] == []


async def test_it_is_there_for_guests_and_lists_what_the_issue_names(server: Server, operations: list[Operation]):
    assert (await server.client().get("/openapi.json")).headers["content-type"].startswith("application/")
    named = {str(operation) for operation in operations}
    assert named >= {
        "POST /auth/login",
        "GET /me",
        "GET /conversations",
        "POST /conversations/{conversation_id}/messages",
        "GET /conversations/{conversation_id}/messages",
        "GET /conversations/{conversation_id}/stream",
        "GET /agents",
        "POST /agents/{agent_id}/credentials",
        "GET /search",
    }


def test_it_says_how_lists_go_on(description: dict[str, Any]):
    said = " ".join(description["info"]["description"].split())
    assert "give `next` back as `after`" in said
    assert (
        "messages read without `after` are the newest, and their `next` leads to older ones, given back as `before`"
        in said
    )


def test_every_operation_says_what_it_does(operations: list[Operation], description: dict[str, Any]):
    tags = {tag["name"]: tag["description"] for tag in description["tags"]}
    for operation in operations:
        summary = operation.spec["summary"]
        assert summary[0].isupper(), operation
        assert not summary.endswith("."), operation
        assert len(summary.split()) <= MOST_WORDS, operation
        (tag,) = operation.spec["tags"]
        assert tag in tags, operation
    assert {operation.spec["tags"][0] for operation in operations} == set(tags), "no tag without operations"


def test_operations_are_named_readably_and_once(operations: list[Operation]):
    names = Counter(operation.spec["operationId"] for operation in operations)
    assert [name for name, times in names.items() if times > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name)] == []


def test_every_parameter_is_described(operations: list[Operation]):
    silent = [
        f"{operation}: {parameter['name']}"
        for operation in operations
        for parameter in operation.spec.get("parameters", [])
        if not parameter.get("description", "").endswith(".")
    ]
    assert silent == []
    for operation in operations:
        parameters = operation.spec.get("parameters", [])
        described = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert described == set(operation.path_parameters), operation


def test_every_answer_has_a_shape_and_errors_are_problems(operations: list[Operation]):
    for operation in operations:
        answers = operation.spec["responses"]
        problem = answers["default"]["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}, operation
        good = {status: answer for status, answer in answers.items() if status != "default"}
        assert good, operation
        for status, answer in good.items():
            assert status in NO_BODY or answer["content"], (str(operation), status)
            for media_type, content in answer.get("content", {}).items():
                assert content["schema"] or media_type == "text/event-stream", (str(operation), status)


@pytest.mark.parametrize(
    ("named", "item"),
    [
        ("GET /conversations/{conversation_id}/messages", "Message"),
        ("GET /conversations", "Conversation"),
        ("GET /agents", "Agent"),
        ("GET /people", "Person"),
        ("GET /search", "SearchHit"),
    ],
)
def test_a_list_shows_the_page_of_what_it_lists(operations: list[Operation], named: str, item: str):
    operation = next(one for one in operations if str(one) == named)
    page = operation.resolved(operation.spec["responses"]["200"]["content"]["application/json"]["schema"])
    assert page["properties"]["items"]["items"] == {"$ref": f"#/components/schemas/{item}"}
    assert "next" in page["properties"]


def test_a_message_shows_what_the_contract_names(description: dict[str, Any]):
    message = description["components"]["schemas"]["Message"]["properties"]
    assert {"id", "seq", "author", "kind", "content", "created_at", "html", "reactions"} <= set(message)


def test_examples_are_what_the_api_takes(description: dict[str, Any]):
    shown = 0
    for name, schema in description["components"]["schemas"].items():
        for example in schema.get("examples", []):
            whole = {"$ref": f"#/components/schemas/{name}", "components": description["components"]}
            assert [error.message for error in Draft202012Validator(whole).iter_errors(example)] == [], name
            shown += 1
    assert shown >= 8


def test_who_need_not_sign_in_is_said(operations: list[Operation]):
    guests = {str(operation) for operation in operations if operation.spec.get("security") == []}
    assert guests == {
        "POST /github/hooks/{connection_id}",
        "POST /auth/login",
        "POST /auth/refresh",
        "POST /auth/password-reset",
        "POST /auth/password-reset/confirm",
        "POST /auth/setup",
        "POST /invitations/accept",
        "POST /hooks/{hook_id}",
    }


async def test_every_other_operation_asks_who_calls(server: Server, operations: list[Operation]):
    guest = server.client()
    for operation in operations:
        if operation.spec.get("security") == []:
            continue
        path = operation.path
        for name in operation.path_parameters:
            path = path.replace(f"{{{name}}}", {"emoji": "👍", "member_type": "user"}.get(name, "0" * 32))
        path = path.replace("0" * 32, "00000000-0000-7000-8000-000000000000")
        answer = await guest.request(operation.method, path, json=BODIES.get(str(operation), {}), params={"q": "x"})
        assert answer.status_code == 401, (str(operation), answer.text)
        assert answer.json()["code"] == "unauthenticated"
