"""`python -m crewhall.kernel.postgres dump HOME` and `… restore HOME DUMP`: the way over to another major version."""

import argparse
import sys
from pathlib import Path

from crewhall.kernel.blob_copies import copy_blobs, drop_others
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.upgrade import ensure_upgrade_dump, restore_dump
from crewhall.kernel.settings import blobs_folder

DUMPS, BLOBS = "dumps", "blobs"


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two commands; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m crewhall.kernel.postgres", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dumping = commands.add_parser("dump", help="write a verified dump of the home's database, with its blobs beside it")
    dumping.add_argument("home", type=Path)
    restoring = commands.add_parser(
        "restore", help="make the home's database from a dump, and bring its blobs back; the old data is kept aside"
    )
    restoring.add_argument("home", type=Path)
    restoring.add_argument("dump", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.command == "dump":
            blobs, copies = blobs_folder(given.home), given.home / DUMPS / BLOBS
            drop_others(blobs, copies)
            copy_blobs(blobs, copies)  # what goes while the database is dumped
            dump = ensure_upgrade_dump(given.home)
            copy_blobs(blobs, copies)  # what came
            sys.stdout.write(f"{dump}\n")
        else:
            aside = restore_dump(given.home, given.dump)
            copy_blobs(given.dump.resolve().parent / BLOBS, blobs_folder(given.home))
            sys.stdout.write(f"Restored.{f' The data from before is in {aside}.' if aside else ''}\n")
    except CrewhallError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
