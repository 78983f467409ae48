"""With whose rights a repository is asked about: a token's, or an app's through its installation there."""

from typing import LiteralString, Protocol
from uuid import UUID

import msgspec

from crewhall.kernel.actor import system_actor
from crewhall.kernel.db import Database
from crewhall.ports.github import GITHUB_REFUSED, Access, Github
from crewhall.work.github.connections import access_of
from crewhall.work.github.keeping import Keeping

_NOTE: LiteralString = """
update github_repositories set installation_id = %(installation)s where id = %(id)s and installation_id is null
"""


class Place(Protocol):
    """A repository, and over which connection it is reached."""

    @property
    def org_id(self) -> UUID:
        """Whose it is."""
        ...

    @property
    def repository_id(self) -> UUID:
        """Its row."""
        ...

    @property
    def full_name(self) -> str:
        """What GitHub calls it."""
        ...

    @property
    def connection_id(self) -> UUID:
        """Over which it is reached."""
        ...

    @property
    def installation_id(self) -> int | None:
        """The app's installation there, once it is known."""
        ...


async def access_in(db: Database, github: Github, keeping: Keeping, place: Place) -> Access:
    """What to ask about a repository with. An app's installation is looked up once, and kept.

    Raises NOT_FOUND, UNREADABLE_SECRET, GITHUB_REFUSED (the app is not installed there), GITHUB_AWAY, GITHUB_LIMITED.
    """
    async with db.transaction(system_actor(place.org_id)) as tx:
        access, _ = await access_of(tx, keeping, place.connection_id, place.installation_id)
    if access.app_id is None or access.installation_id is not None:
        return access
    found = (await github.ask(access, "GET", f"/repos/{place.full_name}/installation")).body
    number = found.get("id") if isinstance(found, dict) else None
    if not isinstance(number, int):
        raise GITHUB_REFUSED("The app is not installed for this repository. Install it there.")
    async with db.transaction(system_actor(place.org_id)) as tx:
        await tx.run(_NOTE, {"id": place.repository_id, "installation": number})
    return msgspec.structs.replace(access, installation_id=number)
