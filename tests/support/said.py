"""What processes of a test said: the last lines of their logs stand with its failure (tests/plugins/said.py)."""

from pathlib import Path

LINES = 40
MOST = 16_000
"""Characters of one log that are shown."""
_logs: dict[Path, str] = {}


def note_log(path: Path, name: str | None = None) -> None:
    """From now on, until the test is over, this is the log of a process of the test."""
    _logs[path] = name or path.name


def last_words(path: Path, lines: int = LINES) -> str:
    """The last lines of a log; nothing of one that is not there."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text[-MOST:].splitlines()[-lines:])


def all_said() -> list[tuple[str, str]]:
    """Each process of the test, and what it said last."""
    return [(name, words) for path, name in _logs.items() if (words := last_words(path))]


def forget() -> None:
    """The test is over."""
    _logs.clear()
