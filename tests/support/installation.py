"""The organization that a test's installation began with: its owner runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.identity.hall import Hall


@asynccontextmanager
async def begun_with(hall: Hall, org_id: Any) -> AsyncIterator[None]:
    """Let the installation have begun with that organization meanwhile."""
    async with hall.db.transaction(None) as tx:
        was = await tx.value("select begun_with from installation")
        await tx.run("update installation set begun_with = %(org)s", {"org": org_id})
    try:
        yield
    finally:
        async with hall.db.transaction(None) as tx:
            await tx.run("update installation set begun_with = %(org)s", {"org": was})
