"""The product in a process of its own: says READY and its address on standard output, then serves until a signal."""

import sys

from crewhall.kernel.process_kinds import ProcessKind
from crewhall.kernel.settings import KernelSettings, load_settings
from crewhall.main import serve


def ready(address: str, _setup_link: str | None) -> None:
    print("READY", address, flush=True)


if __name__ == "__main__":
    serve(load_settings(KernelSettings), ready, kind=ProcessKind(sys.argv[1]))
