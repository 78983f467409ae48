"""A small installation for the tests of identity: its database, its API behind the gate, and people."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self
from uuid import UUID

import httpx
from litestar import Litestar, Router

from crewhall.faces.plumbing.dependencies import DEPENDENCIES
from crewhall.faces.plumbing.gate import Gate
from crewhall.faces.plumbing.problems import render_problem
from crewhall.faces.plumbing.services import Services
from crewhall.identity.accounts import create_account, person_actor
from crewhall.identity.errands import Errands
from crewhall.identity.http import ROUTERS
from crewhall.identity.logins import start_login
from crewhall.identity.organizations import add_membership, create_organization, founder_of_new
from crewhall.identity.schemas import NewOrganization
from crewhall.identity.settings import IdentitySettings
from crewhall.identity.verification import LoginVerifier
from crewhall.kernel.actor import Actor, ActorType, Role
from crewhall.kernel.db import Database
from crewhall.kernel.ids import new_id
from crewhall.kernel.limits import RateLimiter
from crewhall.kernel.settings import KernelSettings
from crewhall.kernel.signals import Signals
from crewhall.kernel.verified import CHANNEL as REVOKED
from crewhall.kernel.verified import Verified, VerifiedTokens
from crewhall.ports.mailer import MemoryMailer, SentMail

PASSWORD = "correct horse battery"
PASSWORD_HASH = "$2b$04$Cq3mV7CxFl7q5PkDiYX8ieQ/QgMWqCpBHxU0S8YNkkB157F0jX0xy"
"""Of the least cost, so that people of tests sign in at once; what the product makes costs more (test_sign_in.py)."""
BASE_URL = "http://hall.test"
NO_TLS = httpx.create_ssl_context(verify=False)
"""For clients of servers that speak none: else each client makes one of its own, which costs more than a request."""


@dataclass
class Member:
    """A person with an account, signed in as a client."""

    id: UUID
    email: str
    actor: Actor
    api: httpx.AsyncClient


@dataclass
class Account:
    """A person who has not signed in yet."""

    person: Actor
    email: str


@dataclass
class Org:
    """An organization with its owner, and a way to add people."""

    id: UUID
    slug: str
    owner: Member
    hall: "Hall"

    async def add(self, role: str = "member", who: Member | None = None) -> Member:
        """Add a person (a new one, unless named) and return them signed in here."""
        account = Account(who.actor, who.email) if who else await self.hall.open_account()
        async with self.hall.db.transaction(self.owner.actor) as tx:
            await add_membership(tx, self.owner.actor, account.person.id, Role(role))
        return await self.hall.sign_in(account, self.id)


class Hall:
    """One process's services, its API, and its people."""

    routers: Sequence[Router] = ROUTERS

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients = 0
        self._agents: dict[str, Actor] = {}
        self.db = Database(url, pool_size=5)
        self.signals = Signals(url)
        self.mailer = MemoryMailer()
        self.verified = VerifiedTokens(self.signals)
        self.db.hear(REVOKED, self.verified.drop)
        self.settings = IdentitySettings()
        self.errands = Errands()
        LoginVerifier(self.db, self.settings, self.errands).register(self.verified)
        self.verified.register("cwk_", self._verify_agent)
        self.services = Services(
            settings=KernelSettings(),
            db=self.db,
            signals=self.signals,
            limiter=RateLimiter(),
            verified=self.verified,
            mailer=self.mailer,
            log=None,  # type: ignore[arg-type]
            live=None,  # type: ignore[arg-type]
            base_url=BASE_URL,
            packages={IdentitySettings: self.settings},
        )
        self.services.add_part(self.errands)

    @cached_property
    def gate(self) -> Gate:
        """What answers requests: made for the first of them, for many a hall hears none."""
        app = Litestar(
            list(self.routers),
            dependencies=DEPENDENCIES,
            exception_handlers={Exception: render_problem},
            openapi_config=None,
            logging_config=None,  # else every line that any library would log from then on is written twice
        )
        app.state.services = self.services
        return Gate(app, self.services)  # type: ignore[arg-type]

    async def __aenter__(self) -> Self:
        await self.db.open()
        await self.signals.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.errands.close()
        await self.signals.stop()
        await self.db.close()

    def client(
        self, token: str | None = None, *, cookie: str | None = None, address: str | None = None
    ) -> httpx.AsyncClient:
        """A client of the API, signed in by token or cookie, or a guest; each comes from an address of its own."""
        self._clients += 1
        address = address or f"10.{self._clients // 65536}.{self._clients // 256 % 256}.{self._clients % 256}"
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if cookie:
            headers["cookie"] = f"crewhall_session={cookie}"
        transport = httpx.ASGITransport(app=self._answer, client=(address, 5000))
        return httpx.AsyncClient(transport=transport, base_url=f"{BASE_URL}/api/v1", headers=headers, verify=NO_TLS)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await self.gate(scope, receive, send)

    async def make_person(self, email: str | None = None, name: str = "Ada Lovelace") -> Member:
        """Make an account whose password is PASSWORD, signed in without an organization."""
        return await self.sign_in(await self.open_account(email, name))

    async def open_account(self, email: str | None = None, name: str = "Ada Lovelace") -> Account:
        """Make an account whose password is PASSWORD."""
        person = person_actor(new_id(), name=name)
        email = email or f"p{person.id.hex}@example.org"
        async with self.db.transaction(person) as tx:
            await create_account(tx, person, email=email, name=name, password_hash=PASSWORD_HASH)
        return Account(person, email)

    async def sign_in(self, who: Account | Member, org_id: UUID | None = None) -> Member:
        """Sign somebody in as a client, in the organization."""
        known = who.person if isinstance(who, Account) else who.actor
        person = person_actor(known.id, name=known.name)
        async with self.db.transaction(person) as tx:
            started = await start_login(tx, person, self.settings, kind="token", org_id=org_id)
        assert started.tokens
        return Member(person.id, who.email, started.actor, self.client(started.tokens.access_token))

    async def browse(self, member: Member) -> tuple[httpx.AsyncClient, str]:
        """Sign the member in as a browser; returns its client and its session token."""
        person = person_actor(member.id)
        async with self.db.transaction(person) as tx:
            started = await start_login(tx, person, self.settings, kind="browser")
        assert started.session
        return self.client(cookie=started.session), started.session

    async def make_org(self, name: str = "Acme", owner: Member | None = None) -> Org:
        """Make an organization with an owner, a new one unless named."""
        account = Account(owner.actor, owner.email) if owner else await self.open_account()
        founder = founder_of_new(account.person)
        async with self.db.transaction(founder) as tx:
            made = await create_organization(tx, founder, NewOrganization(name))
        return Org(made.id, made.slug, await self.sign_in(account, made.id), self)

    async def make_agent(self, org: Org, code: str = "scout") -> Actor:
        """Make an agent's row, as identity sees agents: somebody who acts with few rights."""
        agent = Actor(type=ActorType.AGENT, id=new_id(), org_id=org.id, name=code)
        async with self.db.transaction(org.owner.actor) as tx:
            await tx.run(
                "insert into agents (id, org_id, code, name) values (%(id)s, %(org)s, %(code)s, %(code)s)",
                {"id": agent.id, "org": org.id, "code": code},
            )
        return agent

    def agent_token(self, agent: Actor) -> str:
        """A token that the agent is known by, in the place of a key."""
        self._agents[f"cwk_{agent.id.hex}"] = agent
        return f"cwk_{agent.id.hex}"

    async def _verify_agent(self, token: str, _org: str | None, _address: str | None) -> Verified:
        return Verified(self._agents[token], ())

    def mails_to(self, email: str) -> deque[SentMail]:
        """Mails that were sent to the address."""
        return deque(sent for sent in self.mailer.sent if sent.mail.to == email)
