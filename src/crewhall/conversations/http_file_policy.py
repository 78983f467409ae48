"""What an organization settles about files, over HTTP."""

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from crewhall.conversations import file_policy
from crewhall.conversations.file_schemas import FilePolicy
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor


@get(
    "/",
    summary="Show how long files are kept",
    description="`keep_days` after its conversation was archived a file goes, with what was made searchable of it, "
    "unless the conversation is restored. Null: it is kept as long as the conversation.",
)
async def get_file_policy(services: NamedDependency[Services], actor: NamedDependency[Actor]) -> FilePolicy:
    """Show what the organization has settled about files."""
    async with services.db.transaction(actor) as tx:
        return await file_policy.get_file_policy(tx, actor)


@put(
    "/",
    summary="Settle how long files are kept",
    description="Owners and admins may. It holds for what is archived already, too.",
)
async def set_file_policy(
    data: JSONBody[FilePolicy], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> FilePolicy:
    """Settle what holds for the files of every conversation."""
    async with services.db.transaction(actor) as tx:
        return await file_policy.set_file_policy(tx, actor, data)


HANDLERS = [get_file_policy, set_file_policy]
