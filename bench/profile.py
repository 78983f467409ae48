"""Where the server's time goes under load: `python -m bench.profile posts|kafka|history|newest|fanout|turn`.

Samples of the server's Python stacks while the row's load runs (bench/sampler.py): text, and a picture with --svg.
"""

import argparse
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import uvloop

from bench.brokers import started_broker
from bench.dataset import ensure_messages
from bench.flames import flame_graph
from bench.ground import Ground, temporary_home
from bench.programs import Program
from bench.rows import ALL
from bench.rows.row import FULL, QUICK, Row
from bench.sampler import Profile, report

NAMED = {
    "posts": "posts-1",
    "posts50": "posts-50",
    "kafka": "kafka-1",
    "history": "history-any",
    "newest": "history-newest",
    "fanout": "fanout-500",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("what", help=f"a row, or one of {', '.join(NAMED)}")
    parser.add_argument("--svg", type=Path, help="where to write a flame graph")
    parser.add_argument("--top", type=int, default=50, help="lines to print")
    return parser.parse_args()


def row_named(what: str) -> Row:
    name = NAMED.get(what, what)
    found = [row for row in ALL if row.name == name]
    if not found:
        raise SystemExit(f"There is no row {what}. Rows: {', '.join(row.name for row in ALL)}")
    return found[0]


async def load(row: Row, profile: Path) -> dict[str, float]:
    """Load the product, profiled, on a ground of its own; returns the figures."""
    with temporary_home() as home:
        async with AsyncExitStack() as stack:
            model = None
            if row.ground == "turns":
                model = await Program.start("bench.floors.model")
                stack.push_async_callback(model.stop)
            broker = await stack.enter_async_context(started_broker()) if row.ground == "kafka" else None
            ground = await stack.enter_async_context(Ground(home, {"BENCH_PROFILE": str(profile)}, model, broker))
            scale = QUICK
            if row.ground == "data":
                await ensure_messages(ground, scale.messages)
            await row.prepare(ground, ground, scale)
            os.kill(ground.server.pid, signal.SIGUSR1)
            return await row.product(ground, msgspec.structs.replace(scale, seconds=3 * FULL.seconds))


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.json"
        figures = uvloop.run(load(row_named(asked.what), path))
        found = msgspec.json.decode(path.read_bytes(), type=Profile)
        print(report(found, asked.top))
    if asked.svg:
        title = f"The server's time: {row_named(asked.what).figures[0].what}"
        note = f"{found.samples:,} samples of its main thread, by processor time; the database is not in it"
        asked.svg.write_bytes(flame_graph(found.stacks, title, note))
    print({key: round(value, 3) for key, value in figures.items()})


if __name__ == "__main__":
    main()
