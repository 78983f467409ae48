"""A query of a database that the operator names as a source: read-only, bounded in time, rows and bytes."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, cast

from crewhall.knowledge.sources.configs import DatabaseConfig
from crewhall.knowledge.sources.reading import SOURCE_REFUSED, Cut, Found, Knows, Lost, Taken, away

TIMEOUT_MS = 60_000
MOST_BYTES = 64 * 1024 * 1024
MOST_CELL = 1_000_000


class DatabaseReader:
    """Reads what a query gives: a document for each row, or one for all of them."""

    def __init__(self, address: str, config: DatabaseConfig) -> None:
        self._address = address
        self._config = config
        self.cut: Cut | None = None

    async def read(self, knows: Knows) -> AsyncGenerator[Found]:
        """See Reader."""
        rows = self._rows()
        if self._config.whole:
            lines = [line async for line in _table(rows)]
            if lines:
                yield Taken(key="table", name="table.md", data="\n".join(lines).encode(errors="replace"))
            return
        known = set[str]()
        async for row in rows:
            found = self._taken(row)
            if found.key not in known:  # the first one of a key counts
                known.add(found.key)
                yield found

    async def _rows(self) -> AsyncIterator[dict[str, Any]]:
        """The rows of the query as they come. A query that would write is refused by the database."""
        import psycopg
        from psycopg.rows import dict_row

        size = count = 0
        try:
            async with await psycopg.AsyncConnection.connect(
                self._address, connect_timeout=10, autocommit=False, row_factory=dict_row
            ) as connection:
                await connection.set_read_only(True)
                async with connection.cursor() as cursor:
                    await cursor.execute("select set_config('statement_timeout', %s, true)", [str(TIMEOUT_MS)])
                    # streamed: one statement alone, and no more rows held than one
                    async for row in cursor.stream(cast("Any", self._config.query)):
                        count += 1
                        size += sum(len(str(value)) for value in row.values())
                        if count > self._config.rows:
                            self.cut = Cut(f"The query gives more rows than {self._config.rows:,}.")
                            break
                        if size > MOST_BYTES:
                            self.cut = Cut(f"The query gives more than {MOST_BYTES >> 20} MiB.")
                            break
                        yield row
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                raise away("The database cannot be reached.") from None
            raise SOURCE_REFUSED(f"The database refused: {_said(error)}") from None
        except psycopg.Error as error:
            raise SOURCE_REFUSED(f"The database refused: {_said(error)}") from None

    def _taken(self, row: dict[str, Any]) -> Found:
        config = self._config
        value = row.get(config.key or "")
        if value is None:
            raise SOURCE_REFUSED(f"The query gives no column {config.key!r}, or one without a value.")
        key = str(value)[:2000].replace("\0", "")
        name = str(row.get(config.title or "") or key).replace("\n", " ")[:200]
        told = [f"{column}: {_cell(one)}" for column, one in row.items() if one is not None and column != config.title]
        text = "\n\n".join([f"# {name}", *told])
        if not key:
            return Lost("", name, "Its key is empty.")
        return Taken(key=key, name=f"{name}.md", data=text.encode(errors="replace"))


async def _table(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    """All rows as one table in Markdown."""
    is_begun = False
    async for row in rows:
        if not is_begun:
            yield f"| {' | '.join(_plain(name) for name in row)} |"
            yield f"|{' --- |' * len(row)}"
            is_begun = True
        yield f"| {' | '.join(_plain(_cell(value)) for value in row.values())} |"


def _cell(value: Any) -> str:
    return "" if value is None else str(value)[:MOST_CELL].replace("\0", "")


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _said(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason"])[0][:300] + "."
