"""The database as the application sees it: one pool, one transaction per action, tenant and actor set in each.

Row-level security compares `org_id` with the transaction's setting `crewhall.orgs` (a uuid[]), and personal rows with
`crewhall.actor`. A transaction opened without an actor sees no tenant's rows at all.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import msgspec
from psycopg import AsyncClientCursor, AsyncConnection, AsyncCursor, Error, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from crewhall.kernel.actor import Actor, ActorType
from crewhall.kernel.postgres.urls import NOTICED

T = TypeVar("T")
Params = dict[str, Any]

SET_SCOPE: LiteralString = """
select set_config('crewhall.orgs', %(orgs)s, true), set_config('crewhall.actor', %(actor)s, true),
       set_config('crewhall.actor_type', %(actor_type)s, true), set_config('crewhall.role', %(role)s, true)
"""
BEGIN: LiteralString = f"begin; {SET_SCOPE}"
"""In one trip to the server: every transaction begins so."""
LAZILY: LiteralString = ", set_config('synchronous_commit', 'off', true)"
ON_BEHALF: LiteralString = ", set_config('crewhall.behalf', %(behalf)s, true)"
"""For whom an agent acts: whatever the database shows, it shows what all of them may see."""
SERVER_DOWN = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATEs of a server that shuts down, has crashed, or does not take connections yet."""


def scope_of(actor: Actor | None) -> Params:
    """The transaction settings of an actor, as the parameters of SET_SCOPE."""
    if actor is None:
        return {"orgs": "", "actor": "", "actor_type": "", "role": ""}
    role = "admin" if actor.type is ActorType.SYSTEM else (actor.role or "agent")
    return {
        "orgs": f"{{{actor.org_id}}}" if actor.org_id else "",
        "actor": str(actor.id),
        "actor_type": str(actor.type),
        "role": str(role),
    }


class Tx:
    """A transaction with typed reads. Rows become msgspec structs by column name."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self.connection = connection
        self.notices: list[tuple[str, str]] = []
        self.echoes: set[tuple[str, str | None]] = set()

    async def notify(self, channel: str, payload: str) -> None:
        """Wake the listeners of every process when the transaction commits; those of this process before it returns."""
        self.notices.append((channel, payload))
        self.echoes.add((channel, payload))
        await self.run("select pg_notify(%(channel)s, %(payload)s)", {"channel": channel, "payload": payload})

    def tell(self, channel: str, payload: str) -> None:
        """Wake those of this process alone: the database itself notifies the others, in words of its own."""
        self.notices.append((channel, payload))
        self.echoes.add((channel, None))

    async def keep_plans(self) -> None:
        """From here on plan statements once for all values: where that takes longer than what plans for values save."""
        await self.run("set local plan_cache_mode = force_generic_plan")

    async def run(self, sql: LiteralString, params: Params | None = None) -> int:
        """Execute and return the number of rows changed."""
        return (await self.connection.execute(sql, params)).rowcount

    async def value(self, sql: LiteralString, params: Params | None = None) -> Any:
        """Return the first column of the first row, or None."""
        row = await (await self.connection.execute(sql, params)).fetchone()
        return row[0] if row else None

    async def find(self, kind: type[T], sql: LiteralString, params: Params | None = None) -> T | None:
        """Return the first row as `kind`, or None."""
        cursor = await self.connection.execute(sql, params)
        row = await cursor.fetchone()
        return None if row is None else _convert(kind, _names(cursor), row)

    async def one(self, kind: type[T], sql: LiteralString, params: Params | None = None) -> T:
        """Return the only row as `kind`; no row is a programming error."""
        found = await self.find(kind, sql, params)
        if found is None:
            raise LookupError("the statement gave no row")
        return found

    async def all(self, kind: type[T], sql: LiteralString, params: Params | None = None) -> list[T]:
        """Return every row as `kind`."""
        cursor = await self.connection.execute(sql, params)
        names = _names(cursor)
        return [_convert(kind, names, row) for row in await cursor.fetchall()]

    async def values(self, sql: LiteralString, params: Params | None = None) -> list[Any]:
        """Return the first column of every row."""
        return [row[0] for row in await (await self.connection.execute(sql, params)).fetchall()]


def _names(cursor: AsyncCursor[TupleRow]) -> list[str]:
    return [column.name for column in cursor.description or ()]


def _convert(kind: type[T], names: list[str], row: Sequence[Any]) -> T:
    return msgspec.convert(dict(zip(names, row, strict=True)), kind, strict=False)


def is_lost(error: OperationalError) -> bool:
    """Whether the server ended, ends, starts or cannot be reached: not that it, or our pool of connections, is busy."""
    if isinstance(error, PoolTimeout):
        return False
    return error.sqlstate is None or error.sqlstate.startswith("08") or error.sqlstate in SERVER_DOWN


async def _begin(connection: AsyncConnection[TupleRow], actor: Actor | None, *, lazily: bool) -> None:
    """Begin a transaction with the scope of an actor."""
    scope, sql = scope_of(actor), BEGIN
    if lazily:
        sql += LAZILY
    if actor is not None and actor.behalf:
        sql += ON_BEHALF
        scope["behalf"] = f"{{{','.join(str(one.id) for one in actor.behalf)}}}"
    await AsyncClientCursor(connection).execute(sql, scope)


async def _refuse_waiting(pool: AsyncConnectionPool[AsyncConnection[TupleRow]]) -> None:
    """Tell those who wait for a connection that the server is away; the pool itself would let them wait on."""
    for waiting in list(pool._waiting):  # noqa: SLF001 - as its `close` does
        await waiting.fail(OperationalError("the server is away"))


class _Warmest(deque[AsyncConnection[TupleRow]]):
    """Connections at rest: the one that was used last is lent first.

    It has its statements prepared and its caches warm; those that are seldom needed rest, and the pool lets them go.
    """

    def append(self, connection: AsyncConnection[TupleRow]) -> None:
        """Put a connection back."""
        self.appendleft(connection)


class Database:
    """The pool of the application role."""

    def __init__(self, url: str, *, pool_size: int = 10, statement_timeout_ms: int = 30_000) -> None:
        self.url = url
        self._pool_size = pool_size
        self._options = (
            f"-c statement_timeout={statement_timeout_ms} -c idle_in_transaction_session_timeout=60000"
            f" -c lock_timeout=10000 -c timezone=UTC {NOTICED}"
        )
        self.pool = self._make_pool()
        self._is_away = False
        self._refusing: asyncio.Future[None] | None = None
        self._hearers: dict[str, list[Callable[[str], None]]] = defaultdict(list)
        self._echoed: frozenset[str] = frozenset()
        self._echoes: Counter[tuple[int, str, str | None]] = Counter()

    def hear(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back as soon as a transaction of this process has committed a notice; quick, never raises."""
        self._hearers[channel].append(callback)

    def expect_echoes(self, channels: frozenset[str]) -> None:
        """From now on this process listens to these channels: what its own transactions announce comes back to it."""
        self._echoed = channels
        self._echoes.clear()

    def take_echo(self, backend: int, channel: str, payload: str) -> bool:
        """Whether a notice of that server process is of a transaction of ours, which has told of it already."""
        for key in ((backend, channel, payload), (backend, channel, None)):
            if self._echoes[key] > 0:
                self._echoes[key] -= 1
                return True
        return False

    async def open(self) -> None:
        """Open the pool; raises when the database cannot be reached within ten seconds."""
        await self.pool.open(wait=True, timeout=10)

    async def close(self) -> None:
        """Close every connection."""
        await self.pool.close()

    def leave(self) -> None:
        """Take the server for gone: whoever asks for a connection, or waits for one, is told so at once."""
        self._is_away = True
        self._refusing = asyncio.ensure_future(_refuse_waiting(self.pool))

    async def renew(self) -> None:
        """Take the server for back, with a fresh pool: one that lost its server waits ever longer between attempts."""
        lost, self.pool = self.pool, self._make_pool()
        await self.pool.open()
        self._is_away = False
        await lost.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Lend a connection, without a transaction. Raises OperationalError when the server is away."""
        if self._is_away:
            raise OperationalError("the server is away")
        pool = self.pool  # whoever began with a pool that has been replaced gives back to that one
        connection = await pool.getconn()
        try:  # not the pool's own way, which commits once more: what begins a transaction here ends it
            yield connection
        finally:
            await pool.putconn(connection)

    @asynccontextmanager
    async def transaction(self, actor: Actor | None, *, lazily: bool = False) -> AsyncIterator[Tx]:
        """Open a transaction scoped to the actor; commits when the block ends, rolls back when it raises.

        `lazily`: the commit does not wait for the disk. For what is found out again after a power cut; whatever
        commits later and does wait takes it along.
        """
        async with self.connection() as connection:
            tx, is_committing = Tx(connection), False
            try:
                await _begin(connection, actor, lazily=lazily)
                yield tx
                if tx.echoes:  # before the commit: its echo may be back sooner than we are
                    backend = connection.info.backend_pid
                    self._echoes.update((backend, *echo) for echo in tx.echoes if echo[0] in self._echoed)
                is_committing = True
                await connection.commit()
            except BaseException:
                with contextlib.suppress(Error):  # a connection that is lost has rolled back
                    await connection.rollback()
                raise
            finally:
                if is_committing:  # who was cancelled meanwhile may have committed, and its echo is expected
                    self._tell(tx)

    @asynccontextmanager
    async def alone(self, announces: str = "") -> AsyncIterator[Tx]:
        """Lend a connection for one statement that is a transaction by itself, begun and committed in the same trip.

        It has no actor: it sees no tenant's rows but by functions that may. `announces` is the channel that the
        statement may notify by itself; whoever runs it tells (`Tx.tell`) what was announced.
        """
        async with self.connection() as connection:
            tx, echo = Tx(connection), (connection.info.backend_pid, announces, None)
            is_heard = announces in self._echoed
            self._echoes[echo] += is_heard  # before the commit: its echo may be back sooner than we are
            try:
                yield tx
            finally:
                if is_heard and not tx.notices:
                    self._echoes[echo] = max(0, self._echoes[echo] - 1)
                self._tell(tx)

    def _tell(self, tx: Tx) -> None:
        for channel, payload in tx.notices:
            for callback in self._hearers[channel]:
                callback(payload)

    def _make_pool(self) -> AsyncConnectionPool[AsyncConnection[TupleRow]]:
        pool = AsyncConnectionPool(
            self.url,
            min_size=1,
            max_size=self._pool_size,
            open=False,
            timeout=10,
            kwargs={"autocommit": True, "options": self._options, "application_name": "crewhall"},
        )
        pool._pool = _Warmest()  # noqa: SLF001 - it lends from the left, and has no setting for it
        return pool
