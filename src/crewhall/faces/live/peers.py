"""Links between the processes of one installation, for ephemeral frames only: loss is allowed.

Each process registers under a lease. One that serves people has a private socket, and every other opens one link to it;
one that does not has no listeners, so nobody sends it anything. A link proves that it knows the installation's secret
before it is heard, without saying it: a lease may outlive its process, and anybody may listen at that address by then.
"""

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import Error as PostgresError

from crewhall.faces.live.hub import Hub
from crewhall.kernel.actor import Actor
from crewhall.kernel.clock import utc_now
from crewhall.kernel.db import Database
from crewhall.kernel.ending import end_tasks
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.ids import new_id
from crewhall.kernel.process_kinds import ProcessKind
from crewhall.kernel.signals import Signals
from crewhall.ports.live import Ephemeral
from crewhall.ports.message_log import LogState
from crewhall.version import VERSION

log = logging.getLogger(__name__)
CHANNEL = "crewhall_processes"
LEASE_S = 60
RENEW_S = 20.0
MAX_LINE = 64 * 1024
MAX_UNSENT = 256 * 1024


class _Forwarded(msgspec.Struct):
    actor: Actor
    frame: Ephemeral


class _Peer(msgspec.Struct):
    id: UUID
    kind: ProcessKind
    address: str | None


class _Link:
    """An open link. The other side says nothing after its challenge: what comes next is the end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @property
    def is_open(self) -> bool:
        """Whether neither side has hung up."""
        return not (self.writer.transport.is_closing() or self._reader.at_eof())

    def send(self, line: bytes) -> None:
        """Send, unless the other side does not keep up: loss is allowed."""
        if self.writer.transport.get_write_buffer_size() < MAX_UNSENT:
            self.writer.write(line)


@dataclass(frozen=True, slots=True)
class ProcessStanding:
    """What a process says of itself to who runs the installation, with each sign of life."""

    kind: ProcessKind = ProcessKind.UP
    region: str = ""
    log_state: Callable[[], LogState] = lambda: LogState("postgres")
    started_at: datetime = field(default_factory=utc_now)

    def row(self) -> dict[str, object]:
        """As it is now."""
        state = self.log_state()
        return {
            "kind": str(self.kind),
            "version": VERSION,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "region": self.region or None,
            "started_at": self.started_at,
            "lag": state.lag,
            "stopped": len(state.stopped),
            "lease": LEASE_S,
        }


class Peers:
    """The links of one process. Listens on loopback, or on `CREWHALL_PEER_HOST` between machines."""

    def __init__(
        self, db: Database, hub: Hub, signals: Signals, host: str, about: ProcessStanding = ProcessStanding()
    ) -> None:
        self._db = db
        self._hub = hub
        self._host = host
        self._about = about
        self._id = new_id()
        self._secret = ""
        self._server: asyncio.Server | None = None
        self._links: dict[UUID, _Link] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._linking: set[asyncio.Task[None]] = set()
        self._one_at_a_time = asyncio.Lock()
        self._readers: set[asyncio.StreamWriter] = set()
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(_Forwarded)
        self._on_beat: list[Callable[[], None]] = []
        self._on_company: list[Callable[[int], None]] = []
        signals.subscribe(CHANNEL, self._on_change)
        signals.show_life(self._id)  # its lease outlives a process that is killed, its lock does not

    def on_beat(self, callback: Callable[[], None]) -> None:
        """Call back with each sign of life of this process, every 20 seconds: for what may be looked at so seldom."""
        self._on_beat.append(callback)

    def on_company(self, callback: Callable[[int], None]) -> None:
        """Tell, again and again, how many other processes work: what they do need not be done here."""
        self._on_company.append(callback)

    async def start(self) -> None:
        """Listen where somebody may, register, link to those that are there."""
        async with self._db.transaction(None) as tx:
            self._secret = await tx.value("select peer_secret from installation")
        if self._about.kind.serves:
            self._server = await asyncio.start_server(self._hear, self._host, 0, limit=MAX_LINE)
        self._hub.forward = self._forward
        await self._register()
        await self._link()
        self._renewing = asyncio.create_task(self._renew(), name="peers")

    async def stop(self) -> None:
        """Unregister and close every link."""
        tasks = [*self._linking, *([self._renewing] if self._renewing else [])]
        await end_tasks(tasks)
        with contextlib.suppress(PostgresError, CrewhallError, OSError):
            async with self._db.transaction(None) as tx:
                await tx.run("delete from processes where id = %(id)s", {"id": self._id})
        for writer in (*(link.writer for link in self._links.values()), *self._readers):
            writer.close()
        if self._server:
            self._server.close()

    async def _register(self) -> None:
        address = None
        if self._server is not None:
            host, port = self._server.sockets[0].getsockname()[:2]
            address = f"{host}:{port}"
        async with self._db.transaction(None) as tx:
            await tx.run("delete from processes where lease_until < now()")
            await tx.run(
                """
                insert into processes (id, kind, address, lease_until, started_at, version, host, pid, region,
                                       log_lag, log_stopped)
                values (%(id)s, %(kind)s, %(address)s, now() + make_interval(secs => %(lease)s),
                        %(started_at)s, %(version)s, %(host)s, %(pid)s, %(region)s, %(lag)s, %(stopped)s)
                on conflict (id) do update set lease_until = excluded.lease_until, log_lag = excluded.log_lag,
                    log_stopped = excluded.log_stopped
                """,
                self._about.row() | {"id": self._id, "address": address},
            )
            await tx.run("select pg_notify('crewhall_processes', %(id)s)", {"id": str(self._id)})

    async def _renew(self) -> None:
        """Keep the lease. The first of an hour's worth of links is made by notice, not by waiting for this."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                async with self._db.transaction(None) as tx:
                    kept = await tx.run(
                        """
                        update processes set lease_until = now() + make_interval(secs => %(lease)s),
                            log_lag = %(lag)s, log_stopped = %(stopped)s
                        where id = %(id)s
                        """,
                        self._about.row() | {"id": self._id},
                    )
                if not kept:
                    await self._register()
                await self._link()
                for callback in self._on_beat:
                    callback()
            except (PostgresError, CrewhallError, OSError) as error:
                log.warning("the lease was not renewed", extra={"reason": str(error).strip()})

    def _on_change(self, payload: str) -> None:
        if payload != str(self._id):
            task = asyncio.get_running_loop().create_task(self._link_or_wait())
            self._linking.add(task)
            task.add_done_callback(self._linking.discard)

    async def _link_or_wait(self) -> None:
        """Link, or leave it to the next renewal of the lease where the database is away."""
        try:
            await self._link()
        except (PostgresError, CrewhallError, OSError) as error:
            log.warning("a process was not linked", extra={"reason": str(error).strip()})

    async def _link(self) -> None:
        """Open a link to every registered process that listens and has none. One at a time: nobody is linked twice."""
        async with self._one_at_a_time:
            async with self._db.transaction(None) as tx:
                peers = await tx.all(
                    _Peer,
                    """
                    select id, kind, address from processes where id <> %(id)s and lease_until > now()
                    """,
                    {"id": self._id},
                )
            for callback in self._on_company:
                callback(sum(peer.kind.works for peer in peers))
            for peer in peers:
                link = self._links.get(peer.id)
                if peer.address is not None and (link is None or not link.is_open):
                    await self._open(peer, peer.address)

    async def _open(self, peer: _Peer, address: str) -> None:
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection(host, int(port), limit=MAX_LINE)
                challenge = await reader.readline()
        except (OSError, ValueError, TimeoutError):
            return
        writer.write(self._proof(challenge) + b"\n")
        if peer.id in self._links:
            self._links[peer.id].writer.close()
        self._links[peer.id] = _Link(reader, writer)

    def _proof(self, challenge: bytes) -> bytes:
        return hmac.new(self._secret.encode(), challenge, "sha256").hexdigest().encode()

    def _forward(self, actor: Actor, frame: Ephemeral) -> None:
        """Hand a frame to every other process that serves."""
        if not self._links:
            return
        line = self._encoder.encode(_Forwarded(actor, frame)) + b"\n"
        for peer, link in list(self._links.items()):
            if link.is_open:
                link.send(line)
            else:
                link.writer.close()
                del self._links[peer]

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Emit here what another process forwards, once it has proved itself."""
        self._readers.add(writer)
        try:
            challenge = secrets.token_hex(16).encode() + b"\n"
            writer.write(challenge)
            offered = await asyncio.wait_for(reader.readline(), timeout=2)
            if not hmac.compare_digest(offered.strip(), self._proof(challenge)):
                log.warning("a link was refused", extra={"of": str(self._id)})
                return
            while line := await reader.readline():
                forwarded = self._decoder.decode(line)
                self._hub.emit_here(forwarded.actor, forwarded.frame)
        except (OSError, ValueError, TimeoutError, msgspec.MsgspecError):
            log.debug("a link ended")
        finally:
            self._readers.discard(writer)
            writer.close()
