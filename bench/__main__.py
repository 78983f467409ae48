"""`python -m bench [rows…]`: measure, print one table of ratios, write JSON."""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
import uvloop

from bench import peers
from bench.rows import ALL, ON_DEMAND
from bench.rows.row import FULL, QUICK, Row
from bench.run import run_rows
from bench.table import Line, as_table

RESULTS = Path(__file__).parent / "results"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "rows",
        nargs="*",
        help="rows to run, by the beginning of their names; by default all but those that run by name only",
    )
    parser.add_argument("--quick", action="store_true", help="one short run of each: does it work, not how fast is it")
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--messages", type=int, help="messages in the large data set")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(tempfile.gettempdir()) / "crewhall-bench-data",
        help="where data sets are kept",
    )
    return parser.parse_args()


def chosen(names: Sequence[str]) -> list[Row]:
    every = [*ALL, *ON_DEMAND]
    unknown = [name for name in names if not any(row.name.startswith(name) for row in every)]
    if unknown:
        raise SystemExit(f"There is no row {', '.join(unknown)}. Rows: {', '.join(row.name for row in every)}")
    return [row for row in every if row.name.startswith(tuple(names))] if names else list(ALL)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine() -> dict[str, object]:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "processors": os.cpu_count(),
        "model": model,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def write(lines: Sequence[Line], *, quick: bool, seconds: float) -> Path:
    """Write the run as JSON, beside the earlier ones."""
    RESULTS.mkdir(exist_ok=True)
    moment = datetime.now(UTC)
    path = RESULTS / f"{moment:%Y-%m-%dT%H%M%S}.json"
    found = {
        "at": moment.isoformat(timespec="seconds"),
        "machine": machine(),
        "quick": quick,
        "seconds": round(seconds, 1),
        "peers": peers.WHEN,
        "noisy": any(line.is_noisy for line in lines),
        "lines": msgspec.to_builtins(list(lines)),
    }
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    return path


def main() -> None:
    asked = arguments()
    rows = chosen(asked.rows)
    if asked.list:
        print("\n".join([*(row.name for row in rows), *(f"{row.name} (by name only)" for row in ON_DEMAND)]))
        return
    scale = QUICK if asked.quick else FULL
    if asked.messages:
        scale = msgspec.structs.replace(scale, messages=asked.messages)
    begun = time.perf_counter()
    lines = uvloop.run(run_rows(rows, asked.data, scale, say))
    path = write(lines, quick=asked.quick, seconds=time.perf_counter() - begun)
    print(f"\n{machine()['processors']} × {machine()['model']}; peers: {peers.WHEN}\n")
    print(as_table(lines))
    missed = [line.what for line in lines if line.is_met is False]
    if missed:
        print("\nMissed:", *missed, sep="\n- ")
    if any(line.is_noisy for line in lines):
        print("\nOther work used the processors while the lines marked `noisy` were taken: do not quote them.")
    print(f"\n{path}")


if __name__ == "__main__":
    main()
