"""Which processes are ours: a process id alone proves nothing, since ids are used again."""

import os
import shutil
import subprocess
from pathlib import Path


def command_line(pid: int) -> list[str]:
    """The arguments a process was started with; empty when it is gone, a zombie, or hidden from us."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return [os.fsdecode(part) for part in proc.read_bytes().split(b"\0") if part]
        except OSError:
            return []
    ps = shutil.which("ps", path="/bin:/usr/bin")
    if ps is None:
        return []
    found = subprocess.run([ps, "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def is_postmaster(pid: int, data: Path) -> bool:
    """Whether this process is the Postgres server of that data folder."""
    arguments = command_line(pid)
    return bool(arguments) and Path(arguments[0]).name == "postgres" and f" -D {data} " in f" {' '.join(arguments)} "


def backends_left(cluster: str) -> bool:
    """Whether child processes of a dead server of this cluster name still run (they end by themselves, soon)."""
    title = f"postgres: {cluster}:"
    if not Path("/proc/self/cmdline").exists():
        return False
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return any(arguments[0].startswith(title) for pid in pids if (arguments := command_line(pid)))
