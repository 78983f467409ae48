"""No list is unbounded: each says how many items a page has at most, and goes on."""

from typing import Any

from crewhall.kernel.paging import MAX_LIMIT
from tests.support.description import Operation

SHORT = {
    "GET /agents/{agent_id}/quick-tasks": "an agent has 50 at most",
    "GET /github/connections": "an organization has 20 connections at most",
    "GET /agents/{agent_id}/knowledge": "an agent has 100 sources at most",
    "GET /conversations/{conversation_id}/commands": "an agent has 50 quick tasks at most",
    "GET /notifications/devices": "a person has 20 at most",
    "GET /rate-limits": "one for each kind of agent",
    "GET /wiki/categories": "an organization settles 50 at most",
    "GET /tasks/labels": "the most used ones, a hundred at most",
    "GET /timeline/types": "seventeen, and those of extensions",
    "GET /agents/capabilities": "the most frequent ones, so many as asked for",
}
"""Lists that are no longer than a page, and why."""


def parameters_of(operation: Operation) -> dict[str, dict[str, Any]]:
    return {one["name"]: one["schema"] for one in operation.spec.get("parameters", []) if one["in"] == "query"}


def lists_something(operation: Operation) -> bool:
    content = operation.spec["responses"].get("200", {}).get("content", {})
    schema = operation.resolved(content.get("application/json", {}).get("schema", {}))
    return operation.method == "GET" and "items" in schema.get("properties", {})


def test_every_list_has_a_largest_page_and_goes_on(operations: list[Operation]):
    lists = [operation for operation in operations if lists_something(operation)]
    assert len(lists) > 40
    named = {str(operation) for operation in lists}
    assert set(SHORT) <= named
    for operation in lists:
        if str(operation) in SHORT:
            continue
        asked = parameters_of(operation)
        assert 1 <= asked["limit"]["maximum"] <= MAX_LIMIT, operation
        assert "after" in asked, operation


def test_nothing_but_pages_lists(operations: list[Operation]):
    for operation in operations:
        content = operation.spec["responses"].get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        assert schema.get("type") != "array", operation
