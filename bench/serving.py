"""The product as a bench starts it: `python -m bench.serving`. Settings come from the environment.

With BENCH_PROFILE=<file> the process is sampled, and the file written when it stops; SIGUSR1 forgets what is sampled.
"""

import os
import signal
from pathlib import Path

from bench.sampler import Sampler
from crewhall.kernel.settings import KernelSettings, load_settings
from crewhall.main import serve


def announce(address: str, _setup_link: str | None) -> None:
    print(f"READY {address}", flush=True)


def run() -> None:
    serve(load_settings(KernelSettings), announce, lambda _text: None)


def main() -> None:
    profile = os.environ.get("BENCH_PROFILE")
    if profile is None:
        run()
        return
    sampler = Sampler()
    signal.signal(signal.SIGUSR1, lambda *_: sampler.clear())
    sampler.start()
    try:
        run()
    finally:
        sampler.write(Path(profile))


if __name__ == "__main__":
    main()
