"""A day's work by pages without scripts, and by MCP, where each request goes to the other server: nothing sticks."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from scripts.proxy import Ends, Passage
from tests.identity.hall import PASSWORD, Org
from tests.mcp.visiting import LEGACY, MODERN, done, refused, visit
from tests.support.database import SharedCluster
from tests.support.server import Server
from tests.support.tails import tail
from tests.support.waiting import PATIENCE, in_time, until


class Turning(Passage):
    """Hands each connection to the other server, and counts."""

    def __init__(self, servers: list[str]) -> None:
        super().__init__()
        self._ports = [int(urlsplit(server).port or 80) for server in servers]
        self.handed: Counter[int] = Counter()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def _connect(self) -> Ends:
        port = self._ports[sum(self.handed.values()) % len(self._ports)]
        self.handed[port] += 1
        return await asyncio.open_connection("127.0.0.1", port)

    def is_fair(self) -> bool:
        """Whether as many went to each of them."""
        first, second = (self.handed[port] for port in self._ports)
        return abs(first - second) <= 1 and min(first, second) > 3


@dataclass(frozen=True)
class Pair:
    """Two servers, and what stands before them."""

    servers: list[Server]
    proxy: Turning

    def hears(self, org: Org, agent: str) -> bool:
        """Whether the agent waits at either of them."""
        return any(server.hub.connections(UUID(str(org.id)), UUID(agent)) for server in self.servers)


@pytest.fixture(scope="module")
async def pair(cluster: SharedCluster, worker_id: str) -> AsyncIterator[Pair]:
    urls = cluster.clone(f"turning_{worker_id}")
    async with Server(urls) as here, Server(urls) as there:
        async with here.db.transaction(None) as tx:  # the test's organization is made without the first set-up
            await tx.run("update installation set seeded_at = now()")
        proxy = Turning([here.address, there.address])
        await proxy.start()
        yield Pair([here, there], proxy)
        await proxy.close()


class Forms(HTMLParser):
    """The forms of a page, each with what stands in it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self._into: dict[str, str] = {}
        self._text = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name, kind = told.get("name", ""), told.get("type", "")
        if tag == "form":
            self._into = self.found.setdefault(told.get("action", ""), {})
        elif tag == "input" and name and kind != "file" and (kind not in {"checkbox", "radio"} or "checked" in told):
            self._into[name] = told.get("value", "")
        elif tag == "textarea":
            self._text = name
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in told:
            self._into[self._select] = told.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"textarea", "select", "form"}:
            self._text = self._select = ""
        if tag == "form":
            self._into = {}

    def handle_data(self, data: str) -> None:
        if self._text:
            self._into[self._text] = self._into.get(self._text, "") + data.removeprefix("\n")


class Browser:
    """One without scripts, which keeps cookies and no connection."""

    def __init__(self, address: str) -> None:
        self.http = httpx.AsyncClient(
            base_url=address,
            headers={"accept": "text/html", "origin": address, "connection": "close"},
            follow_redirects=True,
            trust_env=False,
            timeout=20 * PATIENCE,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def look(self, path: str) -> httpx.Response:
        """Go to a page."""
        return await self.http.get(path)

    async def send(self, page: str, action: str, **filled: str) -> httpx.Response:
        """Go to a page, fill in its form of that address, and send it."""
        forms = Forms((await self.look(page)).text).found
        assert action in forms, (page, list(forms))
        return await self.http.post(action, data=forms[action] | filled)

    async def sees(self, path: str, words: str) -> None:
        """Look until the page has the words: a post of a moment ago is on its way to the other server."""

        async def found() -> bool:
            return words in (await self.look(path)).text

        await until(found)


async def test_a_day_of_pages_by_two_servers_in_turn(pair: Pair):
    org, name = await pair.servers[0].make_org(), f"planning-{tail()}"
    pair.proxy.handed.clear()
    async with Browser(pair.proxy.url) as ada, Browser(pair.proxy.url) as bo:
        assert (await ada.send("/login", "/login", email=org.owner.email, password="wrong")).status_code == 401
        entered = await ada.send("/login", "/login", email=org.owner.email, password=PASSWORD)
        assert (entered.status_code, entered.url.path) != (200, "/login")
        channel = (await ada.send("/c/new?kind=channel", "/c/new", name=name)).url.path
        again = await ada.send("/c/new?kind=channel", "/c/new", name=name, description="what I typed")
        assert (again.status_code, "what I typed" in again.text) == (409, True)
        said = await ada.send(channel, f"{channel}/messages", content="Who counts the herons?")
        assert (said.status_code, said.url.path) == (200, channel)
        await ada.sees(channel, "Who counts the herons?")
        about = await ada.send(f"{channel}/about", f"{channel}/about", description="Birds of the lake")
        assert "Birds of the lake" in about.text

        invited = await ada.send("/people", "/people/invite", max_uses="1")
        assert invited.status_code == 201
        link = next(word for word in invited.text.replace('"', " ").split() if "/invitation?token=" in word)
        path = urlsplit(link).path + "?" + urlsplit(link).query
        joined = await bo.send(path, "/invitation", email=f"{tail()}@example.org", name="Bo", password=PASSWORD)
        assert joined.status_code == 200, joined.text
        await bo.send(channel, f"{channel}/join")
        await bo.send(channel, f"{channel}/messages", content="I do, at dawn.")
        await ada.sees(channel, "I do, at dawn.")

        assert "Ada of two servers" in (await ada.send("/settings", "/settings", name="Ada of two servers")).text
        kept = httpx.Cookies(ada.http.cookies)
        left = await ada.send("/settings", "/logout")
        assert left.url.path == "/login"

        async def is_out() -> bool:
            ada.http.cookies = kept  # her browser has forgotten her; neither server takes what she was known by
            with contextlib.suppress(httpx.TooManyRedirects):  # as long as one server knows her, and one does not
                return (await ada.look(channel)).url.path == "/login"
            return False

        await until(is_out)
        assert (await bo.look(channel)).status_code == 200, "who stays, stays signed in"
    assert pair.proxy.is_fair(), pair.proxy.handed


@pytest.mark.parametrize("mode", [LEGACY, MODERN])
async def test_a_day_of_mcp_by_two_servers_in_turn(pair: Pair, mode: str):
    here = pair.servers[0]
    org = await here.make_org()
    agent, general = await here.hire(org), await here.general(org)
    say = f"/conversations/{general}/messages"
    pair.proxy.handed.clear()
    async with visit(pair.proxy.url, agent.key, mode, connection="close") as client:
        assert (await done(client, "who_am_i"))["agent"]["id"] == agent.id
        assert len((await client.list_tools()).tools) > 10
        waits = asyncio.create_task(done(client, "wait_for_mentions", seconds=60))

        async def is_waiting() -> bool:
            return pair.hears(org, agent.id)

        await until(is_waiting)
        asked = await org.owner.api.post(say, json={"content": f"@{agent.code} which herons?"})
        (mention,) = (await in_time(waits, 30))["mentions"]
        assert mention["message"]["id"] == asked.json()["id"]
        answer = {"conversation_id": general, "content": "Grey ones.", "client_id": f"answer:{asked.json()['id']}"}
        posted = [await done(client, "post_message", **answer) for _ in range(2)]
        assert posted[0] == posted[1], "the other server knows what was posted already"
        assert (await refused(client, "post_message", **answer | {"content": "No."}))["code"] == "client_id_reused"

        async def contents() -> list[Any]:
            found = await done(client, "read_messages", conversation_id=general)
            return [one["content"] for one in found["messages"]]

        async def both_read_it() -> bool:
            return "Grey ones." in await contents() and "Grey ones." in await contents()

        await until(both_read_it)
        assert (await contents()).count("Grey ones.") == 1
    assert pair.proxy.is_fair(), pair.proxy.handed
