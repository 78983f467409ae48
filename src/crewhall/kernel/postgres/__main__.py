"""`python -m crewhall.kernel.postgres dump HOME` and `… restore HOME DUMP`: the way over to another major version."""

import argparse
import sys
from pathlib import Path

from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.postgres.upgrade import ensure_upgrade_dump, restore_dump


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two commands; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m crewhall.kernel.postgres", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dumping = commands.add_parser("dump", help="write a verified dump of the home's database")
    dumping.add_argument("home", type=Path)
    restoring = commands.add_parser("restore", help="make the home's database from a dump; the old data is kept aside")
    restoring.add_argument("home", type=Path)
    restoring.add_argument("dump", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.command == "dump":
            sys.stdout.write(f"{ensure_upgrade_dump(given.home)}\n")
        else:
            aside = restore_dump(given.home, given.dump)
            sys.stdout.write(f"Restored.{f' The data from before is in {aside}.' if aside else ''}\n")
    except CrewhallError as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
