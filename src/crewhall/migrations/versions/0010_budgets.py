"""Prices, budgets and usage: what turns may spend, and what they spent."""

from pathlib import Path

from alembic import op
from psycopg import Connection
from psycopg.rows import TupleRow

from crewhall.migrations.runner import run_sql

revision = "0010"
down_revision = "0009"

PRICES = """
insert into model_prices (id, provider, model, input_price, cached_price, output_price, currency, valid_from, source)
select md5('0010 ' || l.provider || ' ' || l.model)::uuid, l.provider, l.model, l.input_price::numeric,
       l.cached_price::numeric, l.output_price::numeric, 'USD', '2026-01-01T00:00:00Z', l.source
from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
    as l (provider, model, input_price, cached_price, output_price, source)
"""


def upgrade() -> None:
    """Run 0010_budgets.sql, then load the prices that Crewhall knows.

    0010_budgets.tsv holds the providers' lists as genai-prices 0.2.3 had them on 2026-11-22, a price a line: provider,
    model, per million tokens read, read from the cache, and written, and where it stands. Of a price that rises with
    the length of the request it has the highest.
    """
    run_sql(__file__)
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()
    columns = list(zip(*(line.split("\t") for line in lines), strict=True))
    connection: Connection[TupleRow] = op.get_bind().connection.driver_connection  # type: ignore[assignment]
    connection.execute(PRICES, [list(column) for column in columns])
