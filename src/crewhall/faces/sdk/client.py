"""The client: everything that a person or an agent does in Crewhall, from a program."""

import os
from typing import Self

from crewhall.faces.sdk.agents import Agents
from crewhall.faces.sdk.approvals import Approvals
from crewhall.faces.sdk.apps import Apps
from crewhall.faces.sdk.budgets import Budgets
from crewhall.faces.sdk.conversations import Conversations
from crewhall.faces.sdk.documents import Documents
from crewhall.faces.sdk.errors import SignedOut
from crewhall.faces.sdk.files import Files
from crewhall.faces.sdk.github import Github
from crewhall.faces.sdk.hooks import Hooks
from crewhall.faces.sdk.imports import Imports
from crewhall.faces.sdk.installation import Installation
from crewhall.faces.sdk.knowledge import Knowledge
from crewhall.faces.sdk.kpis import Kpis
from crewhall.faces.sdk.lending import Lending
from crewhall.faces.sdk.live import Live
from crewhall.faces.sdk.messages import Messages
from crewhall.faces.sdk.notifications import Notifications
from crewhall.faces.sdk.organization import Organizations, People
from crewhall.faces.sdk.personal_tokens import PersonalTokens
from crewhall.faces.sdk.projects import Projects
from crewhall.faces.sdk.resources import Me
from crewhall.faces.sdk.runtimes import Runtimes
from crewhall.faces.sdk.saved import PlacesFound, Saved, find_places
from crewhall.faces.sdk.schedules import Schedules
from crewhall.faces.sdk.sources import Sources
from crewhall.faces.sdk.tasks import Tasks
from crewhall.faces.sdk.timeline import Timeline
from crewhall.faces.sdk.tokens import MemoryTokens, Tokens, TokenStore
from crewhall.faces.sdk.tool_servers import ToolServers
from crewhall.faces.sdk.transport import Nothing, Transport
from crewhall.faces.sdk.turns import Turns
from crewhall.faces.sdk.wiki import Wiki
from crewhall.faces.sdk.words import Commands, Drafts, Later
from crewhall.faces.sdk.work_sessions import Day, WorkSessions

DEFAULT_URL = "http://127.0.0.1:8787"


def url_from_environment() -> str:
    """The server that CREWHALL_URL names, or the one on this machine."""
    return os.environ.get("CREWHALL_URL") or DEFAULT_URL


class Client:
    """A signed-in actor on one server.

    Give a `token` (a person's access or personal token, an agent's key), or `email` and `password`, or a store that
    keeps tokens. Access tokens renew themselves. `org` (id or slug) acts for another than the login's current
    organization.

        async with Client("http://127.0.0.1:8787", token="…") as client:
            general = await client.conversations.find("#general")
            await client.messages.post(general.id, "Hello")
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        token: str | None = None,
        refresh_token: str | None = None,
        email: str | None = None,
        password: str | None = None,
        org: str | None = None,
        store: TokenStore | None = None,
        timeout: float = 30.0,
        retry_for: float = 30.0,
    ) -> None:
        given = Tokens(token, refresh_token) if token is not None else None
        self.transport = Transport(
            base_url or url_from_environment(),
            store or MemoryTokens(given),
            password_login=(email, password) if email is not None and password is not None else None,
            org=org,
            timeout=timeout,
            retry_for=retry_for,
        )
        self.conversations = Conversations(self.transport)
        self.messages = Messages(self.transport)
        self.files = Files(self.transport)
        self.documents = Documents(self.transport)
        self.saved = Saved(self.transport)
        self.agents = Agents(self.transport)
        self.lending = Lending(self.transport)
        self.turns = Turns(self.transport)
        self.runtimes = Runtimes(self.transport)
        self.approvals = Approvals(self.transport)
        self.budgets = Budgets(self.transport)
        self.hooks = Hooks(self.transport)
        self.imports = Imports(self.transport)
        self.installation = Installation(self.transport)
        self.knowledge = Knowledge(self.transport)
        self.schedules = Schedules(self.transport)
        self.notifications = Notifications(self.transport)
        self.drafts = Drafts(self.transport)
        self.later = Later(self.transport)
        self.commands = Commands(self.transport)
        self.people = People(self.transport)
        self.organizations = Organizations(self.transport)
        self.sources = Sources(self.transport)
        self.tokens = PersonalTokens(self.transport)
        self.apps = Apps(self.transport)
        self.tool_servers = ToolServers(self.transport)
        self.github = Github(self.transport)
        self.wiki = Wiki(self.transport)
        self.projects = Projects(self.transport)
        self.tasks = Tasks(self.transport)
        self.timeline = Timeline(self.transport)
        self.kpis = Kpis(self.transport)
        self.sessions = WorkSessions(self.transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()

    async def login(self, email: str, password: str) -> Me:
        """Sign in as a person."""
        await self.transport.login(email, password)
        return await self.me()

    async def refresh(self) -> None:
        """Renew the access token now; it also renews itself when the server refuses it."""
        token = await self.transport.token()
        await self.transport.renew(token, SignedOut("unauthenticated", 401, "This token cannot be renewed."))

    async def logout(self) -> None:
        """End the login on the server and forget its tokens."""
        await self.transport.call("POST", "/auth/logout", Nothing, body={}, repeatable=True)
        self.transport.keep(None)

    async def me(self) -> Me:
        """Who is signed in, for which organization, with which role."""
        return await self.transport.call("GET", "/me", Me)

    async def day(self) -> Day:
        """What the day of the signed-in person holds: tasks, mentions, approvals, questions, agents at work."""
        return await self.transport.call("GET", "/day", Day)

    async def find_places(self, q: str = "", *, limit: int | None = None) -> PlacesFound:
        """Give where one may go: conversations, people, agents by the beginnings of words, best first; and messages."""
        return await find_places(self.transport, q, limit)

    def live(self) -> Live:
        """Open the live connection, as an async context manager."""
        return Live(self.transport)
