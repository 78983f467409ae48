"""Where the built-in database keeps its data, and how current its dump is, in words."""

from crewhall.faces.cli.output import ago
from crewhall.kernel.postgres.dumps import LARGEST_AUTOMATIC_BYTES
from crewhall.kernel.postgres.storage import Storage

DUMP_COMMAND = "python -m crewhall.kernel.postgres dump"
LARGEST_MB = LARGEST_AUTOMATIC_BYTES // 1_000_000


def describe_data(storage: Storage) -> str:
    """Where the data lies."""
    if storage.data is None:
        return "made at first start"
    return f"in {storage.data}" + ("" if storage.is_inside else ", outside the data folder: copy both, or keep a dump")


def describe_dump(storage: Storage) -> str:
    """How current the dump is, and how to have a newer one."""
    command = f"`{DUMP_COMMAND} {storage.home}`"
    if storage.dump is None:
        return f"none yet: the last server leaves one when it stops (up to {LARGEST_MB} MB), or {command}"
    made = f"{storage.dump.path}, made {ago(storage.dump.made_at)}"
    if storage.dump.is_whole:
        return f"{made}, holds everything"
    return f"{made}; what was written since is not in it (a newer one: {command})"
