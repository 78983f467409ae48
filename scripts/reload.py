"""Serves, and starts again when a source file changes (`make dev`). Arguments are those of `crewhall up`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src"
LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 15

Stamps = dict[Path, int]


def stamps() -> Stamps:
    """When each source file was changed last."""
    found: Stamps = {}
    for path in SOURCES.rglob("*"):
        if path.is_file() and path.suffix in {".py", ".sql", ".html", ".css", ".js", ".toml"}:
            found[path] = path.stat().st_mtime_ns
    return found


def start(arguments: list[str]) -> "subprocess.Popen[bytes]":
    """Start the server."""
    environment = {"CREWHALL_DEVELOPMENT": "true", **os.environ}
    return subprocess.Popen([str(Path(sys.executable).with_name("crewhall")), "up", *arguments], env=environment)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """Stop the server as a supervisor would; one that does not go is killed."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def changed_since(before: Stamps) -> Stamps:
    """Wait for a change and for the end of it (an editor or a checkout writes several files); return the new stamps."""
    while (now := stamps()) == before:
        time.sleep(LOOK_EVERY_S)
    while now != (settled := stamps()):
        time.sleep(LOOK_EVERY_S)
        now = settled
    return now


def main() -> int:
    """Serve until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server, known = start(sys.argv[1:]), stamps()
    try:
        while True:
            known = changed_since(known)
            print("Sources changed: starting again.", flush=True)
            stop(server)
            server = start(sys.argv[1:])
    except KeyboardInterrupt:
        stop(server)
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
