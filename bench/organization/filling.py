"""Writes the organization with SQL as the owner of the tables; takes two minutes a million messages.

People are `person-1@example.test` and on, all with the owner's password. `person-1` is a member of half of all
conversations, `person-2` only of those that everybody is in; the owner is in a sixth of them.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg

from bench.dataset import CHECKPOINTS, schema_key
from bench.ground import Ground

STATEMENTS = tuple(
    Path(__file__).parent / f"{name}.sql" for name in ("people", "places", "messages", "work", "knowledge", "projects")
)
SHAPE: LiteralString = """
create temp table shape as select %(org)s::uuid as org, %(owner)s::uuid as owner, %(people)s::int as people,
    %(conversations)s::int as conversations, %(agents)s::int as agents, %(messages)s::int as messages
"""
COUNT: LiteralString = "select count(*) from memberships where org_id = %s"


class Shape(msgspec.Struct, frozen=True):
    """How large the organization is."""

    people: int
    conversations: int
    agents: int
    messages: int


LARGE = Shape(people=5_000, conversations=2_000, agents=200, messages=1_000_000)


def shape_of(messages: int) -> Shape:
    """The shape of an organization with so many messages: people, places and agents in the proportions of `LARGE`."""
    share = messages / LARGE.messages
    return Shape(
        people=max(400, int(LARGE.people * share)),
        conversations=max(200, int(LARGE.conversations * share)),
        agents=max(20, int(LARGE.agents * share)),
        messages=messages,
    )


def organization_key() -> str:
    """A name of the schema and of what is written: a folder that others filled is not used."""
    statements = b"".join(path.read_bytes() for path in STATEMENTS)
    return f"{schema_key()}-{hashlib.sha256(statements).hexdigest()[:8]}"


async def ensure_organization(ground: Ground, shape: Shape) -> None:
    """Give the ground's organization this shape, unless it was filled before."""
    await asyncio.to_thread(_fill, ground, shape)


def _fill(ground: Ground, shape: Shape) -> None:
    with psycopg.connect(ground.superuser_url, autocommit=True) as connection:
        row = connection.execute(COUNT, (ground.org_id,)).fetchone()
        if row is not None and row[0] > 1:
            return
        connection.execute("set session_replication_role = replica")  # foreign keys hold by construction
        connection.execute("set maintenance_work_mem = '512MB'")
        connection.execute("set work_mem = '256MB'")
        with connection.transaction():  # all or nothing: a second run begins anew
            connection.execute(SHAPE, msgspec.structs.asdict(shape) | {"org": ground.org_id, "owner": ground.user_id})
            for path in STATEMENTS:
                connection.execute(path.read_bytes())
            connection.execute(CHECKPOINTS)
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")
