"""Agents' credentials over HTTP. A key is in one answer only: that of its making."""

from uuid import UUID

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from crewhall.agents import credentials, usage
from crewhall.agents.access import access_agent
from crewhall.agents.credential_schemas import (
    Credential,
    CredentialInput,
    CredentialUse,
    NewCredential,
    RotationInput,
)
from crewhall.agents.keys import make_key
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import Page


@get("/{agent_id:uuid}/credentials", summary="List an agent's credentials")
async def list_credentials(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[Credential]:
    """List an agent's credentials, oldest first."""
    async with services.db.transaction(actor) as tx:
        return await credentials.list_credentials(tx, actor, agent_id, after=after, limit=limit)


@post(
    "/{agent_id:uuid}/credentials",
    summary="Give an agent a key",
    description="The answer holds the key as `key`; it is never shown again. Without a body: no label, no end.",
)
async def create_credential(
    agent_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    data: JSONBody[CredentialInput | None] = None,
) -> NewCredential:
    """Make a key. It is hashed between two transactions, so that none is held open meanwhile."""
    async with services.db.transaction(actor) as tx:
        await access_agent(tx, actor, agent_id, "credentials")
    key = await make_key()
    async with services.db.transaction(actor) as tx:
        return await credentials.create_credential(tx, actor, agent_id, data or CredentialInput(), key)


@post(
    "/{agent_id:uuid}/credentials/{credential_id:uuid}/rotate",
    summary="Rotate a key",
    description="A new key takes the old one's place; the old one stays valid for `overlap_seconds`.",
)
async def rotate_credential(
    agent_id: FromPath[UUID],
    credential_id: FromPath[UUID],
    data: JSONBody[RotationInput],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> NewCredential:
    """Rotate a key."""
    async with services.db.transaction(actor) as tx:
        await credentials.access_credential(tx, actor, agent_id, credential_id, own=True)
    key = await make_key()
    async with services.db.transaction(actor) as tx:
        return await credentials.rotate_credential(tx, actor, agent_id, credential_id, data, key)


@delete("/{agent_id:uuid}/credentials/{credential_id:uuid}", summary="Revoke a key")
async def revoke_credential(
    agent_id: FromPath[UUID],
    credential_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Revoke a key: it stops within a second, everywhere."""
    async with services.db.transaction(actor) as tx:
        await credentials.revoke_credential(tx, actor, agent_id, credential_id)


@get("/{agent_id:uuid}/credentials/{credential_id:uuid}/usage", summary="List the uses of a key")
async def list_uses(
    agent_id: FromPath[UUID],
    credential_id: FromPath[UUID],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
    after: FromQuery[str | None] = None,
    limit: FromQuery[int | None] = None,
) -> Page[CredentialUse]:
    """List the uses of a key, newest first."""
    async with services.db.transaction(actor) as tx:
        return await usage.list_uses(tx, actor, agent_id, credential_id, after=after, limit=limit)


HANDLERS = [list_credentials, create_credential, rotate_credential, revoke_credential, list_uses]
