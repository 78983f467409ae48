"""Short ways of these tests: joining by invitation, posting, finding."""

from typing import Any
from uuid import UUID

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from tests.identity.hall import Member, Org
from tests.support.server import AgentClient, Server
from tests.support.waiting import until

Someone = Member | AgentClient


async def join(server: Server, org: Org) -> Member:
    """A new person who joined the organization by invitation."""
    sent = (await org.owner.api.post("/invitations", json={})).raise_for_status().json()
    person = await server.make_person()
    (await person.api.post("/invitations/accept", json={"token": sent["token"]})).raise_for_status()
    return await server.sign_in(person, org.id)


async def post(someone: Someone, conversation: str, content: str = "hello", **fields: Any) -> dict[str, Any]:
    """Post a message."""
    path = f"/conversations/{conversation}/messages"
    answer = (await someone.api.post(path, json={"content": content, **fields})).raise_for_status()
    shown: dict[str, Any] = answer.json()
    return shown


async def show(someone: Someone, conversation: str) -> dict[str, Any]:
    """The conversation as somebody sees it."""
    shown: dict[str, Any] = (await someone.api.get(f"/conversations/{conversation}")).raise_for_status().json()
    return shown


async def group(owner: Someone, *members: Someone, title: str = "Circle") -> str:
    """Open a group; returns its id."""
    body = {"kind": "group", "title": title, "members": [as_member(member) for member in members]}
    return str((await owner.api.post("/conversations", json=body)).raise_for_status().json()["id"])


async def direct(owner: Someone, other: Someone) -> str:
    """Open a direct conversation; returns its id."""
    body = {"kind": "direct", "members": [as_member(other)]}
    return str((await owner.api.post("/conversations", json=body)).raise_for_status().json()["id"])


def as_member(someone: Someone) -> dict[str, str]:
    """Somebody as the API names members."""
    return {"member_type": "user" if isinstance(someone, Member) else "agent", "member_id": str(someone.id)}


async def turns_settled(db: Database, org_id: UUID) -> None:
    """Wait until every message so far is decided, as far as it is due, and every turn of the organization has ended."""

    async def is_quiet() -> bool:  # what has come since the transaction began is due, too: now() is its beginning
        async with db.transaction(system_actor(org_id)) as tx:
            quiet: bool = await tx.value("""
                select consumer_lag('turns') is null
                   and not exists (
                       select from turn_triggers t where t.due_at <= clock_timestamp() or t.due_at = 'infinity')
                   and not exists (select from runs r where r.completed_at is null)
            """)
        return quiet

    await until(is_quiet)


async def all_derived(db: Database) -> None:
    """Wait until all that follows from what happened so far has happened; in this order, as the first ones append."""
    for consumer in ("audit", "turns"):
        await caught_up(db, consumer)

    async def is_quiet() -> bool:
        async with db.transaction(None) as tx:
            quiet: bool = await tx.value("""
                select not exists (select from pending_places(null, null) p where p.due_in < 1)
                   and not exists (select from procrastinate_jobs j where j.status in ('todo', 'doing'))
            """)
        return quiet

    await until(is_quiet)
    await caught_up(db, "search")


async def caught_up(db: Database, consumer: str) -> None:
    """Wait until a consumer has seen every record."""

    async def has_seen_all() -> bool:
        async with db.transaction(None) as tx:
            return await tx.value("select consumer_lag(%(name)s)", {"name": consumer}) is None

    await until(has_seen_all)
