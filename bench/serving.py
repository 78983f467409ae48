"""The product as a bench starts it: `python -m bench.serving`. Settings come from the environment.

With BENCH_UNFOLLOWED nobody follows the log to find out which agents are asked.

With BENCH_PROFILE=<file> the process is sampled, and the file written when it stops; SIGUSR1 forgets what is sampled.
"""

import os
import signal
from pathlib import Path

from bench.sampler import Sampler
from crewhall.conversations import Consumer
from crewhall.kernel.settings import KernelSettings, load_settings
from crewhall.main import serve

UNFOLLOWED = "BENCH_UNFOLLOWED"


def announce(address: str, _setup_link: str | None) -> None:
    print(f"READY {address}", flush=True)


def run() -> None:
    serve(load_settings(KernelSettings), announce, lambda _text: None)


def unfollow() -> None:
    """Let the consumer that asks agents be, and start the others."""
    start = Consumer.start
    Consumer.start = lambda self: None if self.name == "turns" else start(self)  # type: ignore[method-assign]


def main() -> None:
    if os.environ.get(UNFOLLOWED):
        unfollow()
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
