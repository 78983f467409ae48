"""The way from processes on other machines to the database and the broker: it can be lost for a while, and be slow."""

import asyncio
from collections.abc import Awaitable, Callable

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.passwords import read_passwords
from crewhall.kernel.postgres.urls import APP_ROLE, DATABASE, url_parameters
from scripts.broker import HOST, Broker, Far
from scripts.proxy import Ends, Passage
from tests.support.site import Site, quiet_port


class Link(Passage):
    """Leads to one place, by a port of this machine."""

    def __init__(self, reach: Callable[[], Awaitable[Ends]], port: int = 0) -> None:
        super().__init__(port)
        self._reach = reach
        self._passing = asyncio.Event()
        self._passing.set()

    async def is_used(self) -> bool:
        """Whether somebody comes this way now."""
        return bool(self._open)

    async def lose(self, seconds: float) -> None:
        """Let nothing through, in silence, for so long; what was open or under way then is cut off."""
        self._passing.clear()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.cut()
            self._passing.set()

    async def _connect(self) -> Ends | None:
        try:
            return await self._reach()
        except (OSError, CrewhallError):
            return None  # who is behind it is away

    async def _keep_back(self) -> None:
        await self._passing.wait()
        await super()._keep_back()


def link_to_database(site: Site) -> Link:
    """To the Postgres of a home, which listens at a socket of its own alone."""

    async def reach() -> Ends:
        where = url_parameters(site.postgres.superuser_url())
        return await asyncio.open_unix_connection(f"{where['host']}/.s.PGSQL.{where['port']}")

    return Link(reach)


def far_ports() -> Far:
    """Ports for those who reach a broker by a link."""
    return Far(told=quiet_port(), behind=quiet_port())


def link_to_broker(broker: Broker) -> Link:
    """To the address of a broker that is told as that of the link."""
    assert broker.far is not None
    behind = broker.far.behind
    return Link(lambda: asyncio.open_connection(HOST, behind), broker.far.told)


def database_url(site: Site, link: Link) -> str:
    """The application's address of a running database, by way of a link."""
    passwords = read_passwords(site.home)
    assert passwords is not None
    return f"postgresql://{APP_ROLE}:{passwords.app}@{HOST}:{link.port}/{DATABASE}"
