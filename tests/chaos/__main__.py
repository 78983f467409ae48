"""`make chaos`: rounds of chaos on a cluster under load, and a report; a failure names the seed that repeats it."""

import argparse
import asyncio
import random
import shutil
import tempfile
from functools import partial
from pathlib import Path

from scripts.broker import Broker, bring_jars
from tests.chaos.running import run_chaos
from tests.support.links import far_ports
from tests.support.said import all_said
from tests.support.site import Site


async def run(rounds: int, seed: int, log: str) -> None:
    """Run on a fresh home, which is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="crewhall-chaos-"))
    site = Site(home / "home")
    broker = Broker(bring_jars(), home / "kafka", far=far_ports()) if log == "kafka" else None
    try:
        if broker is not None:
            broker.start()
        report = await run_chaos(site, rounds, seed, broker, partial(print, flush=True))
        print("\n" + "\n".join(report.lines()))
    except BaseException:
        for name, words in all_said():
            print(f"\n--- {name}, its last words\n{words}", flush=True)
        raise
    finally:
        await site.close()
        if broker is not None:
            broker.stop()
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    """Read the arguments and run."""
    asked = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    asked.add_argument("--rounds", type=int, default=100)
    asked.add_argument("--seed", type=int, default=random.randrange(2**32))
    asked.add_argument("--log", choices=["postgres", "kafka"], default="postgres", help="where messages live")
    found = asked.parse_args()
    asyncio.run(run(found.rounds, found.seed, found.log))


if __name__ == "__main__":
    main()
