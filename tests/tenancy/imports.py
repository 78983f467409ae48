"""An import of a tenant's that is ready to be started."""

from typing import LiteralString

from crewhall.kernel.ids import new_id
from tests.identity.hall import Org
from tests.support.server import Server

_IMPORT: list[LiteralString] = [
    """
    insert into imports (id, org_id, source, status, source_key, name, size, blob_key, created_by)
    values (%(id)s, %(org)s, 'slack', 'ready', %(mark)s, %(mark)s, 1, %(mark)s, %(owner)s)
    """,
    """
    insert into import_channels (org_id, import_id, external_id, name, type, fate, target, conversation_id)
    values (%(org)s, %(id)s, 'C1', %(mark)s, 'public', 'open', %(mark)s, %(where)s)
    """,
    """
    insert into placeholders (id, org_id, name, email)
    values (%(person)s, %(org)s, %(mark)s, %(mark)s || '@placeholder.example')
    """,
    """
    insert into imported_people (org_id, source_key, external_id, person_id)
    values (%(org)s, %(mark)s, 'U1', %(person)s)
    """,
    """
    insert into imported_conversations (org_id, source_key, external_id, conversation_id)
    select %(org)s, %(mark)s, 'C1', %(where)s::uuid where %(where)s is not null
    """,
]


async def keep_import(server: Server, org: Org, where: str | None = None, mark: str = "tried") -> str:
    """The id of an import that is ready to be started, with what it noted of a channel and of somebody."""
    values = {"id": new_id(), "where": where, "mark": mark, "owner": org.owner.id, "person": new_id()}
    async with server.db.transaction(org.owner.actor) as tx:
        for statement in _IMPORT:
            await tx.run(statement, {**values, "org": org.id})
    return str(values["id"])
