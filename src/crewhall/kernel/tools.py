"""Tools: what an agent may do here. Each domain declares its own once, in `tools.py`.

The turn engine offers them to resident agents, MCP to everybody else. A tool takes a struct and gives a struct; all is
done with the caller's own rights.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database

T = TypeVar("T")
Schema = dict[str, Any]


class Parts(Protocol):
    """Gives what a process has one of."""

    def part(self, kind: type[T]) -> T:
        """Return the part of this kind."""
        ...


class OnlyPart:
    """The one part that there is."""

    def __init__(self, part: object) -> None:
        self._part = part

    def part(self, kind: type[T]) -> T:
        """Return the part; another kind is an error in the composition."""
        if not isinstance(self._part, kind):
            raise TypeError(kind)
        return self._part


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls a tool.

    Within a run, `here` is the conversation that the turn is about, and `key` is the call's own: the same when the
    call is made again.
    """

    db: Database
    actor: Actor
    parts: Parts
    here: UUID | None = None
    run_id: UUID | None = None
    key: str = ""


Call = Callable[[Any, Any], Awaitable[Any]]
"""`call(caller, asked)`: does it, and gives the answer; raises CrewhallError."""


class Tool(msgspec.Struct, frozen=True):
    """A tool. One that is repeatable may be called again within a run when it is not known whether it was done.

    `is_read_only`: it changes nothing. `is_idempotent`: called again with the same arguments it changes nothing more.
    `is_destructive`: it takes something away, or writes over it.
    """

    name: str
    description: str
    takes: type[msgspec.Struct]
    call: Call
    is_repeatable: bool
    gives: type[msgspec.Struct] | None = None
    title: str | None = None
    is_read_only: bool = False
    is_idempotent: bool = False
    is_destructive: bool = False

    @property
    def schema(self) -> Schema:
        """The JSON schema of what it takes."""
        schema = schema_of(self.takes)
        schema.pop("description", None)  # the tool has it
        return schema


def schema_of(kind: type[msgspec.Struct]) -> Schema:
    """The JSON schema of a struct: an object that holds whatever it refers to."""
    _, components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    schema: Schema = dict(components.pop(kind.__name__))
    schema.pop("title", None)
    return {**schema, "$defs": components} if components else schema


def described(takes: type[msgspec.Struct]) -> str:
    """What a tool does, in the words of the struct that it takes."""
    return " ".join((takes.__doc__ or "").split())
