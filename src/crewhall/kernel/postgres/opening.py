"""The database of a process: the external one that the settings name, or our own for as long as it is used."""

import contextlib
from collections.abc import Callable, Iterator

from crewhall.kernel.postgres.embedded import EmbeddedPostgres
from crewhall.kernel.postgres.external import resolve_external
from crewhall.kernel.postgres.migrating import migrator
from crewhall.kernel.postgres.urls import DatabaseUrls, noticing
from crewhall.kernel.settings import KernelSettings

Say = Callable[[str], None]


@contextlib.contextmanager
def database_for(settings: KernelSettings, say: Say) -> Iterator[tuple[DatabaseUrls, EmbeddedPostgres | None]]:
    """Give the addresses of a migrated database: the external one that the settings name, or our own until the end.

    Our own comes along with them, to be kept up.
    """
    if settings.database_url is not None:
        admin = settings.database_admin_url
        given = settings.database_url.get_secret_value(), admin.get_secret_value() if admin else None
        urls = noticing(resolve_external(*given))
        with migrator() as migrating:
            migrating.migrate(urls.admin, say)
        yield urls, None
        return
    postgres = EmbeddedPostgres(
        settings.home, listen_tcp_port=settings.database_tcp_port, run_as=settings.database_user, on_progress=say
    )
    with migrator() as migrating:
        if postgres.status().version is None:
            migrating.prepare()  # it imports while the database is made
        urls = postgres.start()
        try:
            migrating.migrate(urls.admin, say)
        except BaseException:
            postgres.release()
            raise
    try:
        yield urls, postgres
    finally:
        postgres.release()
