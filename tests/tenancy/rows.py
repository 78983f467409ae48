"""What the database holds of one tenant: equal before and after, nothing changed."""

import psycopg
from psycopg import sql

TENANT_TABLES = """
select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition order by 1
"""


def rows_of(superuser_url: str, org_id: str) -> dict[str, list[str]]:
    """Every row that the tenant owns, by table, and its people's own rows: equal before and after, nothing changed."""
    with psycopg.connect(superuser_url) as connection:
        tables = [row[0] for row in connection.execute(TENANT_TABLES)]
        assert len(tables) >= 10, tables
        found = {
            table: [
                row[0]
                for row in connection.execute(
                    sql.SQL("select t::text from {} t where org_id = %s order by 1").format(sql.Identifier(table)),
                    (org_id,),
                )
            ]
            for table in tables
        }
        for table, column in (("organizations", "id"), ("users", "id"), ("logins", "user_id")):
            statement = sql.SQL(
                "select t::text from {} t where {} = any (select user_id from memberships where org_id = %s union"
                " select %s::uuid) order by 1"
            ).format(sql.Identifier(table), sql.Identifier(column))
            found[f"{table} themselves"] = [row[0] for row in connection.execute(statement, (org_id, org_id))]
    return found
