"""The database of an installation, for commands of its operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crewhall.faces.cli.serving import name_home

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def administrator(home: Path | None) -> "Iterator[Connection[Any]]":
    """The database of this installation, as its administrator. Starts our own for as long as it is needed."""
    import psycopg

    from crewhall.kernel.postgres.opening import database_for
    from crewhall.kernel.settings import KernelSettings, load_settings

    name_home(home)
    with (
        database_for(load_settings(KernelSettings), lambda _said: None) as (urls, _),
        psycopg.connect(urls.admin, autocommit=True) as connection,
    ):
        yield connection
