"""Monthly partitions of an append-only table, as an operator sees them: how large, detached, attached again.

A detached month is a table of its own, `detached_<name>`, which nobody but the administrator reads: dump it, keep it,
drop it. Needs the administrator's connection in autocommit mode.
"""

import re
from typing import LiteralString

import msgspec
from psycopg import Connection, sql
from psycopg.rows import TupleRow

from crewhall.kernel.errors import CONFLICT, INVALID, NOT_FOUND

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
DETACHED = "detached_"
_MONTHS: LiteralString = """
select to_char(to_date(right(c.relname, 7), 'YYYY_MM'), 'YYYY-MM') as month, c.relispartition as is_attached,
       greatest(c.reltuples, 0)::bigint as rows, pg_total_relation_size(c.oid) as bytes
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
  and c.relname ~ ('^(' || %(detached)s || ')?' || %(table)s || '_\\d{4}_\\d{2}$')
order by 1, 2
"""


class Month(msgspec.Struct):
    """A month of a table; `rows` as the statistics know them."""

    month: str
    is_attached: bool
    rows: int
    bytes: int


def list_months(connection: Connection[TupleRow], table: str) -> list[Month]:
    """Every month there is, oldest first, attached or not."""
    found = connection.execute(_MONTHS, {"table": table, "detached": DETACHED}).fetchall()
    return [Month(*row) for row in found]


def detach_month(connection: Connection[TupleRow], table: str, month: str) -> str:
    """Detach a month that is over, while everything goes on; gives the name of the table that it is then.

    Raises INVALID, NOT_FOUND, CONFLICT (this month, or one to come; or a month of this name is detached already).
    """
    name = _name(table, month)
    standing = {one.is_attached for one in list_months(connection, table) if one.month == month}
    if True not in standing:
        raise NOT_FOUND(f"No month {month} is attached.")
    if False in standing:
        raise CONFLICT(f"A month {month} is detached already: drop {DETACHED}{name}, or attach it.")
    now = connection.execute("select to_char(now() at time zone 'UTC', 'YYYY-MM')").fetchone()
    if now is None or month >= now[0]:
        raise CONFLICT("Only a month that is over is detached.")
    statement = sql.SQL("alter table {} detach partition {} concurrently")
    connection.execute(statement.format(sql.Identifier(table), sql.Identifier(name)))
    rename = sql.SQL("alter table {} rename to {}")
    connection.execute(rename.format(sql.Identifier(name), sql.Identifier(DETACHED + name)))
    return DETACHED + name


def attach_month(connection: Connection[TupleRow], table: str, month: str) -> None:
    """Attach a month that was detached. Raises INVALID, NOT_FOUND, CONFLICT."""
    name = _name(table, month)
    standing = {one.is_attached for one in list_months(connection, table) if one.month == month}
    if False not in standing:
        raise NOT_FOUND(f"No month {month} is detached.")
    if True in standing:
        raise CONFLICT(f"There is a month {month} by now, of what came later: nothing is attached over it.")
    with connection.transaction():
        rename = sql.SQL("alter table {} rename to {}")
        connection.execute(rename.format(sql.Identifier(DETACHED + name), sql.Identifier(name)))
        attach = sql.SQL("alter table {} attach partition {} for values from ({}) to ({})")
        first = f"{month}-01 00:00:00+00"
        following = connection.execute(
            "select ((%(first)s::timestamptz at time zone 'UTC') + interval '1 month')::text || '+00'", {"first": first}
        ).fetchone()
        if following is None:
            raise LookupError("the statement gave no row")
        connection.execute(
            attach.format(sql.Identifier(table), sql.Identifier(name), sql.Literal(first), sql.Literal(following[0]))
        )


def _name(table: str, month: str) -> str:
    if not MONTH.fullmatch(month):
        raise INVALID("A month is written as 2026-11.", field="month")
    return f"{table}_{month.replace('-', '_')}"
