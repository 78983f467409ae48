"""How messages look in a terminal of eighty columns."""

import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from crewhall.faces.cli import budgets, lines
from crewhall.faces.cli.lines import Transcript
from crewhall.faces.cli.output import say_facts
from crewhall.sdk import Author, Change, Message

ADA = Author(type="user", id="1", name="Ada")
SCOUT = Author(type="agent", id="2", name="Scout")


def message(seq: int, content: str, hour: int = 9, day: int = 1, **more: Any) -> Message:
    moment = datetime(2026, 3, day, hour, 30, tzinfo=UTC)
    return Message(
        id=str(seq), conversation_id="c", seq=seq, content=content, created_at=moment, **{"author": ADA, **more}
    )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a terminal of eighty columns in Tokyo gets."""
    written = io.StringIO()
    made = Console(file=written, width=80, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(lines, "console", lambda: made)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield written
    monkeypatch.undo()
    time.tzset()


def test_days_stand_between_and_times_are_local(terminal: io.StringIO) -> None:
    transcript = Transcript()
    for each in (message(1, "morning"), message(2, "noon", 10), message(3, "late", 20)):
        transcript.say(each)
    assert terminal.getvalue().splitlines() == [
        "── Sunday, 1 March 2026 ──",
        "    1 18:30 Ada morning",
        "    2 19:30 Ada noon",
        "── Monday, 2 March 2026 ──",
        "    3 05:30 Ada late",
    ]


def test_a_fact_that_is_a_moment_is_told_in_local_time(
    terminal: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    say_facts({"until": datetime(2026, 11, 29, 19, 51, 15, 352338, tzinfo=UTC), "never": None})
    assert capsys.readouterr().out.split() == ["until", "30", "November", "2026,", "04:51"]


def test_long_text_stays_below_its_beginning(terminal: io.StringIO) -> None:
    Transcript().say(message(1, "words and more words " * 8 + "\n- a list\n  - set in", kind="insight", title="Seen"))
    shown = terminal.getvalue().splitlines()[1:]
    assert shown[0].startswith("    1 18:30 Ada [insight] Seen: words")
    assert max(map(len, shown)) <= 80
    assert all(line.startswith(" " * 12) for line in shown[1:])
    assert [line[12:] for line in shown[-2:]] == ["- a list", "  - set in"]


def test_replies_are_set_in_and_name_what_they_answer(terminal: io.StringIO) -> None:
    transcript = Transcript()
    transcript.say(message(7, "who?"))
    transcript.say(message(9, "me " * 40, parent_id="7", author=SCOUT))
    transcript.say(message(10, "us", parent_id="3"))
    shown = terminal.getvalue().splitlines()
    assert shown[2].startswith("    9 18:30   ↳ (7) Scout me me")
    assert shown[3].startswith(" " * 16 + "me")
    assert shown[-1] == "   10 18:30   ↳ Ada us"


def test_only_the_author_is_coloured(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = Console(file=terminal, width=80, force_terminal=True, color_system="standard", highlight=False)
    monkeypatch.setattr(lines, "console", lambda: coloured)
    Transcript().say(message(1, "plain words"))
    assert "\x1b[1;32mAda\x1b[0m plain words" in terminal.getvalue()


def test_changes_are_said_in_words(terminal: io.StringIO) -> None:
    transcript = Transcript()
    transcript.say(message(7, "who?"))
    at = datetime(2026, 3, 1, 9, 45, tzinfo=UTC)
    for seq, kind, target, content in ((8, "reaction", "7", "👍"), (9, "pin", "7", None), (10, "edit", "1", "x")):
        change = Change(
            id=str(seq),
            conversation_id="c",
            seq=seq,
            type=kind,
            author=SCOUT,
            created_at=at,
            target_id=target,
            content=content,
        )
        transcript.say_record(change)
    assert terminal.getvalue().splitlines()[2:] == [
        "    8 18:45 Scout reacted 👍 to 7",
        "    9 18:45 Scout pinned 7",
        "   10 18:45 Scout edited an earlier message",
    ]


def test_thousands_are_parted_whatever_the_decimals():
    shown = [budgets._money(Decimal(amount)) for amount in ("1234.5", "1234.567", "0.000012")]
    assert shown == ["1,234.50", "1,234.567", "0.000012"]
