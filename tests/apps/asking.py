"""An app that asks to be let in, by plain HTTP and as the official MCP client does, and a person who decides."""

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from tests.identity.hall import Member
from tests.support.server import Server

BACK = "http://127.0.0.1:3999/callback"


class Person:
    """A person with a browser, who decides about what apps ask for."""

    def __init__(self, api: httpx.AsyncClient, address: str) -> None:
        self.browser, self._address = api, address
        self.seen = ""

    async def open(self, url: str) -> httpx.Response:
        """Open the address that the app leads to."""
        answer = await self.browser.get(url, headers={"accept": "text/html"})
        self.seen = answer.text
        return answer

    async def decide(self, url: str, decision: str = "let_in", *, write: bool = True, **changed: str) -> str:
        """Open it, decide, and return where the page leads back to."""
        answer = await self.open(url)
        assert answer.status_code == 200, answer.text
        return await self.press(answer, decision, write=write, **changed)

    async def press(self, page: httpx.Response, decision: str, *, write: bool = True, **changed: str) -> str:
        """Send the page's form."""
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
        fields = {name: html.unescape(value) for name, value in hidden}
        chosen = re.search(r'<option value="([^"]+)" selected', page.text)
        assert chosen
        fields |= {"organization": chosen[1], "decision": decision} | ({"write": "true"} if write else {}) | changed
        headers = {"origin": self._address, "accept": "text/html"}
        answer = await self.browser.post(f"{self._address}/oauth/authorize", data=fields, headers=headers)
        assert answer.status_code == 200, answer.text
        return leads_to(answer)


def leads_to(page: httpx.Response) -> str:
    """Where a page sends the browser by itself, and by its link."""
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found, page.text
    assert html.unescape(found[1]) == link_of(page)
    return link_of(page)


def link_of(page: httpx.Response) -> str:
    """Where a page leads back to by its link."""
    link = re.search(r'<a class="button wide" href="([^"]+)"', page.text)
    assert link, page.text
    return html.unescape(link[1])


def answer_in(url: str) -> dict[str, str]:
    """What an app is told by the address that the browser is led back to."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def person_of(server: Server, member: Member) -> Person:
    """The member in front of a browser."""
    api, _ = await server.browse(member)
    return Person(api, server.address)


@dataclass
class App:
    """An app by hand: registered, with a verifier of its own."""

    http: httpx.AsyncClient
    id: str
    resource: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def origin(self) -> str:
        """The installation."""
        return self.resource.removesuffix("/mcp")

    def asks(self, **changed: str | None) -> str:
        """The address that it leads the person to."""
        made = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        given = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "code_challenge": made,
            "code_challenge_method": "S256",
            "state": "s&1",
            "resource": self.resource,
        } | changed
        return str(
            httpx.URL(f"{self.origin}/oauth/authorize", params={k: v for k, v in given.items() if v is not None})
        )

    async def redeem(self, code: str, **changed: str | None) -> httpx.Response:
        """Redeem a code."""
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.id,
            "redirect_uri": BACK,
            "code_verifier": self.verifier,
            "resource": self.resource,
        } | changed
        return await self.http.post(
            f"{self.origin}/oauth/token", data={k: v for k, v in given.items() if v is not None}
        )

    async def refresh(self, token: str, **changed: str) -> httpx.Response:
        """Ask for fresh tokens."""
        given = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.id} | changed
        return await self.http.post(f"{self.origin}/oauth/token", data=given)

    async def let_in(self, person: Person, **how: Any) -> dict[str, Any]:
        """Be let in; returns the tokens."""
        code = answer_in(await person.decide(self.asks(), **how))["code"]
        answer = await self.redeem(code)
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    async def status(self, token: str, path: str = "/mcp", **headers: str) -> httpx.Response:
        """What a request with the token is answered."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        accept = {"accept": "application/json, text/event-stream", "authorization": f"Bearer {token}"}
        if path != "/mcp":
            return await self.http.get(self.origin + path, headers=accept | headers)
        return await self.http.post(self.origin + path, json=body, headers=accept | headers)


async def registered(server: Server, http: httpx.AsyncClient, **said: Any) -> App:
    """An app that has just registered."""
    answer = await http.post(
        f"{server.address}/oauth/register", json={"client_name": "Editor", "redirect_uris": [BACK], **said}
    )
    assert answer.status_code == 201, answer.text
    return App(http, answer.json()["client_id"], f"{server.address}/mcp")


class Kept:
    """What the official client keeps."""

    tokens: OAuthToken | None = None
    info: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.info = client_info


def official(
    server: Server, person: Person, kept: Kept, *, writes: list[bool] | None = None, document: str | None = None
) -> OAuthClientProvider:
    """The official client's own way of asking; the person follows where it leads, and lets it write or not, in turn."""
    came: list[str] = []

    async def lead(url: str) -> None:
        came.append(await person.decide(url, write=writes.pop(0) if writes else True))

    async def came_back() -> AuthorizationCodeResult:
        answer = answer_in(came[-1])
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))

    metadata = OAuthClientMetadata(client_name="Official", redirect_uris=[BACK])
    return OAuthClientProvider(f"{server.address}/mcp", metadata, kept, lead, came_back, client_metadata_url=document)
