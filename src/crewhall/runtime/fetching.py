"""The tool `fetch`: HTTP within the hosts that the organization lists. What would change something needs approval."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx
from crewhall.kernel.errors import INVALID
from crewhall.kernel.outbound import Outbound
from crewhall.kernel.reachable import check_url
from crewhall.kernel.tools import Caller, Risk, Tool, described
from crewhall.runtime.tool_policies import get_tool_policy

MEDIA_TYPE = r"^[a-zA-Z0-9_.+-]+/[a-zA-Z0-9_.+-]+$"
TEXTS = ("text/",)
ALSO_TEXT = frozenset({
    "application/json", "application/xml", "application/yaml", "application/x-yaml", "application/x-ndjson",
    "application/javascript", "application/rss+xml", "application/atom+xml", "",
})  # fmt: skip


class Method(StrEnum):
    """How an address is asked."""

    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


RISKS = {Method.GET: Risk.READ, Method.HEAD: Risk.READ, Method.DELETE: Risk.DESTRUCTIVE}


class Fetch(Struct, forbid_unknown_fields=True, kw_only=True):
    """Ask a web address over HTTP, and read what it answers as text.

    Only hosts that the organization lists are reached. GET and HEAD read; any other method changes something and waits
    until a person has approved it.
    """

    url: Annotated[str, Meta(min_length=8, max_length=4000, description="The whole address, with https://.")]
    method: Method = Method.GET
    body: Annotated[str, Meta(max_length=200_000, description="What is sent, for POST, PUT and PATCH.")] | None = None
    content_type: Annotated[str, Meta(max_length=100, pattern=MEDIA_TYPE)] = "application/json"


class Fetched(Struct, kw_only=True):
    """What came back. `text` is null where it is no text; `is_cut`: there was more."""

    url: str
    status: int
    content_type: str
    text: str | None
    is_cut: bool
    redirects: list[str]


async def fetch(caller: Caller, asked: Fetch) -> Fetched:
    """Ask the address, within the organization's list."""
    _check_body(asked)
    async with caller.db.transaction(caller.actor) as tx:
        policy = await get_tool_policy(tx, caller.actor)
    answer = await caller.parts.part(Outbound).request(
        asked.method,
        asked.url,
        hosts=policy.hosts,
        content=None if asked.body is None else asked.body.encode(),
        headers={} if asked.body is None else {"content-type": asked.content_type},
        wants=is_text,
    )
    return Fetched(
        url=answer.url,
        status=answer.status,
        content_type=answer.content_type,
        text=None if answer.body is None else answer.body.decode("utf-8", "replace"),
        is_cut=answer.is_cut,
        redirects=answer.redirects,
    )


async def check_fetch(tx: Tx, actor: Actor, asked: Fetch) -> None:
    """Refuse what would not be sent though a person approved it. Raises INVALID, OUTBOUND_REFUSED."""
    _check_body(asked)
    check_url(asked.url, (await get_tool_policy(tx, actor)).hosts)


def _check_body(asked: Fetch) -> None:
    if asked.body is not None and asked.method in {Method.GET, Method.HEAD, Method.DELETE}:
        raise INVALID(f"{asked.method} sends no body.", field="body")


def is_text(content_type: str) -> bool:
    """Whether something of that type can be read as text."""
    return content_type.startswith(TEXTS) or content_type in ALSO_TEXT or content_type.endswith(("+json", "+xml"))


def _risk(asked: Fetch) -> Risk:
    return RISKS.get(asked.method, Risk.OUTSIDE)


def _effect(asked: Fetch) -> str:
    sends = f", with a body of {len(asked.body):,} character{'s' * (len(asked.body) != 1)}" if asked.body else ""
    return f"Sends {asked.method} to {asked.url}{sends}."


FETCH = Tool(
    "fetch", described(Fetch), Fetch, fetch,
    is_repeatable=False, gives=Fetched, title="Fetch from the web", risk=Risk.DESTRUCTIVE, weigh=_risk, effect=_effect,
    asks_from=Risk.OUTSIDE, check=check_fetch,
)  # fmt: skip
