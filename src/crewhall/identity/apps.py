"""Apps: programs that say who they are, so that people can let them in. What OAuth calls clients.

None has a secret: an app that runs on somebody's computer could not keep one. That it was this app that asked is proven
by its challenge (PKCE), and that the answer goes to it by the addresses that it named before.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from crewhall.identity.app_documents import AppDocuments, Described, is_document, name_of
from crewhall.identity.app_errors import OAuthRefusal
from crewhall.identity.redirects import check_redirects, shown_address
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database, Tx
from crewhall.kernel.ids import new_id

MOST_UNUSED = 20_000
"""How many an installation knows at once that nobody has let in: the oldest of them make room for new ones."""


class AppSource(StrEnum):
    """How an app said who it is: by registering (RFC 7591), or by a document at its id."""

    REGISTERED = "registered"
    DOCUMENT = "document"


class App(msgspec.Struct, frozen=True):
    """An app as it says of itself. Only the host of a document's address is vouched for."""

    id: str
    source: AppSource
    name: str
    redirect_uris: list[str]
    fresh_until: datetime | None = None


async def register_app(tx: Tx, said: Described, *, kept_days: int) -> App:
    """Remember an app that nobody knows yet (RFC 7591), for `kept_days` since it was let in. Raises OAuthRefusal."""
    check_redirects(said.redirect_uris)
    name = name_of(said.client_name) or f"A program at {shown_address(said.redirect_uris[0])}"
    app = App(f"app-{new_id().hex}", AppSource.REGISTERED, name[:100], said.redirect_uris)
    await _keep(tx, app, kept_days)
    return app


async def find_app(db: Database, documents: AppDocuments, app_id: str | None, *, kept_days: int) -> App:
    """The app that asks; its document is read again when it is too old. Raises OAuthRefusal (`invalid_client`).

    No transaction may be open: it may wait for another server.
    """
    app = await known_app(db, app_id) if app_id else None
    if app_id and is_document(app_id) and (app is None or app.fresh_until is None or app.fresh_until < utc_now()):
        document = await documents.read(app_id)
        app = App(app_id, AppSource.DOCUMENT, document.name, document.redirect_uris, document.fresh_until)
        async with db.transaction(None) as tx:
            await _keep(tx, app, kept_days)
    if app is None:
        raise OAuthRefusal("invalid_client", "This app is not known here. It has to register again.", 401)
    return app


async def known_app(db: Database, app_id: str) -> App | None:
    """The app as it was last known."""
    async with db.transaction(None) as tx:
        return await tx.find(
            App,
            "select id, source, name, redirect_uris, fresh_until from apps where id = %(id)s",
            {"id": app_id.replace("\0", "")},
        )


async def _keep(tx: Tx, app: App, kept_days: int) -> None:
    """Keep an app. Others that nobody lets in make room, so that nobody shuts the door by registering many."""
    await tx.run("select forget_apps(%(days)s, %(most)s)", {"days": kept_days, "most": MOST_UNUSED - 1})
    await tx.run(
        """
        insert into apps (id, source, name, redirect_uris, fresh_until)
        values (%(id)s, %(source)s, %(name)s, %(redirects)s, %(fresh)s)
        on conflict (id) do update set name = excluded.name, redirect_uris = excluded.redirect_uris,
            fresh_until = excluded.fresh_until
        """,
        {
            "id": app.id,
            "source": str(app.source),
            "name": app.name,
            "redirects": app.redirect_uris,
            "fresh": app.fresh_until,
        },
    )
