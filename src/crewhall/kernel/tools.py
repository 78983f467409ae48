"""Tools: what an agent may do here. Each domain declares its own once, in `tools.py`.

The turn engine offers them to resident agents, MCP to everybody else. A tool takes a struct and gives a struct; all is
done with the caller's own rights.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.links import path_into

T = TypeVar("T")
Schema = dict[str, Any]
Open = dict[str, Any]
"""What a tool takes whose arguments are for somebody else to check; its `takes_schema` describes them."""


class Risk(StrEnum):
    """What a call may do, from the harmless to what nobody takes back; what weighs more comes later.

    Whether it is made, asked about or refused follows from this, the agent's trust and the organization's policy.
    """

    READ = "read"
    """It shows something and changes nothing."""
    WRITE = "write"
    """It changes something in the organization, for its members to see."""
    OUTSIDE = "outside"
    """It changes or tells something outside of Crewhall."""
    DESTRUCTIVE = "destructive"
    """It takes something away, or writes over it."""


class Parts(Protocol):
    """Gives what a process has one of."""

    def part(self, kind: type[T]) -> T:
        """Return the part of this kind."""
        ...


class OnlyParts:
    """These parts and no others."""

    def __init__(self, *parts: object) -> None:
        self._parts = parts

    def part(self, kind: type[T]) -> T:
        """Return the part of this kind; a kind that is not there is an error in the composition."""
        for part in self._parts:
            if isinstance(part, kind):
                return part
        raise TypeError(kind)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls a tool.

    Within a run, `here` is the conversation that the turn is about, and `key` is the call's own: the same when the
    call is made again. `base_url` is where Crewhall is, for who calls from outside.
    """

    db: Database
    actor: Actor
    parts: Parts
    here: UUID | None = None
    run_id: UUID | None = None
    key: str = ""
    base_url: str = ""

    def link_to(self, path: str) -> str:
        """What opens a page: its path within Crewhall, the whole address for who is outside."""
        return f"{self.base_url}{path_into(self.actor.org, path)}" if self.base_url else path


Call = Callable[[Any, Any], Awaitable[Any]]
"""`call(caller, asked)`: does it, and gives the answer; raises CrewhallError."""
Weigh = Callable[[Any], Risk]
"""`weigh(asked)`: what this very call risks."""
Effect = Callable[[Any], str]
"""`effect(asked)`: what this very call would change, in a sentence for who decides about it."""


Check = Callable[[Tx, Actor, Any], Awaitable[None]]
"""`check(tx, actor, asked)`: raises CrewhallError for a call that cannot be made, whatever a person says to it."""


class Tool(msgspec.Struct, frozen=True):
    """A tool.

    One that is repeatable may be called again within a run when it is not known whether it was done; so may any call
    that only reads.

    `is_idempotent`: called again with the same arguments it changes nothing more. `weigh` says the risk where that
    depends on the arguments, `risk` is the greatest then. `asks_from`: calls of that risk or more are made only when a
    person has approved them, whatever the policy. `check` is asked before that person is, so that nobody decides about
    what would be refused anyway. `is_personal`: what it gives is for the eyes of the person for whom it was called.
    `takes_schema`: what it takes, where no struct of ours says so.
    """

    name: str
    description: str
    takes: type[msgspec.Struct] | type[Open]
    call: Call
    is_repeatable: bool
    gives: type[msgspec.Struct] | None = None
    title: str | None = None
    risk: Risk = Risk.WRITE
    is_idempotent: bool = False
    weigh: Weigh | None = None
    effect: Effect | None = None
    asks_from: Risk | None = None
    is_personal: bool = False
    takes_schema: Schema | None = None
    check: Check | None = None

    @property
    def is_read_only(self) -> bool:
        """Whether it changes nothing."""
        return self.risk is Risk.READ

    @property
    def is_destructive(self) -> bool:
        """Whether it may take something away, or write over it."""
        return self.risk is Risk.DESTRUCTIVE

    def risk_of(self, asked: msgspec.Struct | Open) -> Risk:
        """What a call with these arguments risks."""
        return self.risk if self.weigh is None else self.weigh(asked)

    def effect_of(self, asked: msgspec.Struct | Open) -> str:
        """What a call with these arguments would change, in a sentence."""
        return self.effect(asked) if self.effect is not None else self.description

    @property
    def schema(self) -> Schema:
        """The JSON schema of what it takes."""
        if self.takes_schema is not None:
            return self.takes_schema
        schema = schema_of(self.takes)  # type: ignore[arg-type]
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
