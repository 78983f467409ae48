"""The product as a bench starts it: `python -m bench.serving`. Settings come from the environment.

With BENCH_PROFILE=<file> the event loop runs under cProfile, and the file is written when the process stops.
"""

import cProfile
import os

from crewhall.kernel.settings import KernelSettings, load_settings
from crewhall.main import serve


def announce(address: str, _setup_link: str | None) -> None:
    print(f"READY {address}", flush=True)


def run() -> None:
    serve(load_settings(KernelSettings), announce, lambda _text: None)


def main() -> None:
    profile_file = os.environ.get("BENCH_PROFILE")
    if profile_file is None:
        run()
        return
    profiler = cProfile.Profile()
    try:
        profiler.runcall(run)
    finally:
        profiler.dump_stats(profile_file)


if __name__ == "__main__":
    main()
