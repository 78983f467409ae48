"""The product in a process of its own: says READY and its address on standard output, then serves until a signal.

At SIGUSR1 it says on standard error where each of its tasks waits: of one that hangs nothing else tells why.
"""

import asyncio
import signal
import sys
from types import FrameType
from typing import Any

from crewhall.kernel.process_kinds import ProcessKind
from crewhall.kernel.settings import KernelSettings, load_settings
from crewhall.main import serve


def ready(address: str, _setup_link: str | None) -> None:
    print("READY", address, flush=True)


def say_where_tasks_wait(_number: int, _frame: FrameType | None) -> None:
    for task in asyncio.all_tasks():
        waits: Any = task.get_coro()
        at: list[str] = []
        while (frame := getattr(waits, "cr_frame", None)) is not None:
            at.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
            waits = getattr(waits, "cr_await", None)
        print(f"task {task.get_name()}: {' > '.join(at)} > {waits!r}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, say_where_tasks_wait)
    serve(load_settings(KernelSettings), ready, kind=ProcessKind(sys.argv[1]))
