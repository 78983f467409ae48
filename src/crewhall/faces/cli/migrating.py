"""`migrate`: one process brings the schema up to date, so that the others need no role that may change it."""

import typer

from crewhall.faces.cli.context import Json, wants_json
from crewhall.faces.cli.output import say, say_json
from crewhall.faces.cli.serving import Home, name_home


def migrate(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Bring the database to the newest revision, and end: before the servers of a new version start.

    Processes that start take turns, so that it may run twice at once; where nothing is to be done it says so quickly.
    """
    import psycopg

    from crewhall.kernel.postgres.migrate import current_revision
    from crewhall.kernel.postgres.opening import database_for
    from crewhall.kernel.settings import KernelSettings, load_settings

    name_home(home)
    is_json = wants_json(context, as_json)

    def report(progress: str) -> None:
        if not is_json:
            say(f"  {progress} …")

    with database_for(load_settings(KernelSettings), report) as (urls, _), psycopg.connect(urls.admin) as connection:
        revision = current_revision(connection)
    if is_json:
        say_json({"revision": revision})
    else:
        say(f"The database is at revision {revision}.")
