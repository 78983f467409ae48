"""What faces take and show of tool servers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from crewhall.kernel.tools import Risk
from crewhall.runtime.offers import Offer

ServerName = Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Url = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=2000,
        pattern=r"^https?://\S+$",
        description="Where it speaks MCP over HTTP, with https://.",
    ),
]
Token = Annotated[
    str, Meta(min_length=1, max_length=4000, pattern=r"^[\x21-\x7e]+$", description="Bearer token. Never shown again.")
]


class NewToolServer(Struct, forbid_unknown_fields=True, kw_only=True):
    """A tool server to add. Its name is part of its tools' names, and stays."""

    name: ServerName
    url: Url
    token: Token | None = None


class ToolServerPatch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Changes to a tool server. A `token` of null takes the kept one away; another address does so, too."""

    url: Url | UnsetType = UNSET
    token: Token | UnsetType | None = UNSET
    is_enabled: bool | UnsetType = UNSET


class ServerToolInput(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is settled about one tool. `accept` is the digest of the offer that was looked at; null takes it back.

    `risk` counts in place of what is usual; null: as usual.
    """

    accept: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    risk: Risk | UnsetType | None = UNSET


class ServerTool(Struct, kw_only=True):
    """A tool that a server offers. Agents use it, by `name`, only while the offer is the one that was accepted.

    `accepted`: what was accepted before, where the offer has changed since. `says_read_only` and `says_destructive`
    are the server's own words.
    """

    name: str
    tool: str
    title: str
    description: str
    schema: dict[str, object]
    digest: str
    says_read_only: bool
    says_destructive: bool
    risk: Risk
    is_risk_settled: bool
    is_usable: bool
    is_gone: bool
    accepted: Offer | None = None


class ToolServer(Struct, kw_only=True):
    """A server elsewhere whose tools agents may use. `problem` says what went wrong when it was last asked."""

    id: UUID
    name: str
    url: str
    has_token: bool
    is_enabled: bool
    problem: str | None
    listed_at: datetime | None
    created_at: datetime
    tools: list[ServerTool] = []
