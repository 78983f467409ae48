"""`make chaos`: rounds of chaos on a cluster under load, and a report; a failure names the seed that repeats it."""

import argparse
import asyncio
import random
import shutil
import tempfile
from pathlib import Path

from tests.chaos.running import run_chaos
from tests.support.site import Site


async def run(rounds: int, seed: int) -> None:
    """Run on a fresh home, which is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="crewhall-chaos-"))
    site = Site(home / "home")
    try:
        print("\n".join((await run_chaos(site, rounds, seed)).lines()))
    finally:
        await site.close()
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    """Read the arguments and run."""
    asked = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    asked.add_argument("--rounds", type=int, default=100)
    asked.add_argument("--seed", type=int, default=random.randrange(2**32))
    found = asked.parse_args()
    asyncio.run(run(found.rounds, found.seed))


if __name__ == "__main__":
    main()
