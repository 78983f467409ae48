"""The API as its OpenAPI description states it: every operation, with its parameters and its body's shape."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

METHODS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class Operation:
    """One method of one path. `spec` is the operation object, `components` the description's schemas."""

    method: str
    path: str
    spec: dict[str, Any]
    components: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def path_parameters(self) -> list[str]:
        """Names of the path's parameters, in order."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @property
    def query_ids(self) -> list[str]:
        """Names of the query parameters that take an id."""
        return [
            parameter["name"]
            for parameter in self.spec.get("parameters", [])
            if parameter["in"] == "query" and has_uuid(parameter["schema"])
        ]

    @property
    def body(self) -> dict[str, Any] | None:
        """The schema of the JSON body, or None."""
        content = self.spec.get("requestBody", {}).get("content", {})
        return self.resolved(content["application/json"]["schema"]) if "application/json" in content else None

    @property
    def body_ids(self) -> set[str]:
        """Names of the body's properties, however deep, that take an id."""
        return set(self._ids(self.body or {}, frozenset()))

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema itself, where it is only referred to."""
        if "$ref" in schema:
            found: dict[str, Any] = self.components[schema["$ref"].rpartition("/")[2]]
            return found
        return schema

    def _ids(self, schema: dict[str, Any], seen: frozenset[str]) -> Iterator[str]:
        if (name := schema.get("$ref")) is not None:
            if name in seen:
                return
            seen |= {name}
        schema = self.resolved(schema)
        for name, field in schema.get("properties", {}).items():
            if has_uuid(field):
                yield name
            yield from self._ids(field, seen)
        for nested in [schema.get("items"), *schema.get("oneOf", ()), *schema.get("anyOf", ())]:
            if isinstance(nested, dict):
                yield from self._ids(nested, seen)


def has_uuid(schema: dict[str, Any]) -> bool:
    """Whether a value of this schema is an id, may be one, or is a list of them."""
    nested = [schema.get("items"), *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return schema.get("format") == "uuid" or any(has_uuid(one) for one in nested if isinstance(one, dict))


async def read_operations(api: httpx.AsyncClient) -> list[Operation]:
    """Every operation that the running server describes."""
    description = (await api.get("/openapi.json")).raise_for_status().json()
    schemas = description["components"]["schemas"]
    return [
        Operation(method.upper(), path.removeprefix("/api/v1"), item[method], schemas)
        for path, item in description["paths"].items()
        for method in METHODS
        if method in item
    ]
