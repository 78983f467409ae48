"""What is typed into the search box: words, and operators such as `from:ada`, `-has:file` or `before:2026-11`. Pure."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from crewhall.kernel.errors import INVALID

SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff"
)
"""The letters of languages written without spaces; as `spaceless_letters` of the schema."""


class Operator(StrEnum):
    """What a search may be narrowed by; written before a colon."""

    FROM = "from"
    IN = "in"
    KIND = "kind"
    HAS = "has"
    AFTER = "after"
    BEFORE = "before"
    ON = "on"


ONCE = (Operator.AFTER, Operator.BEFORE, Operator.ON)
"""Days: given once and never excluded. Of any other operator given several times, one value has to hold."""


class Narrowing(msgspec.Struct, frozen=True):
    """One operator with its value; with a minus before it, what has that is left out."""

    operator: Operator
    value: str
    is_excluded: bool = False

    @property
    def typed(self) -> str:
        """As it is typed."""
        value = f'"{self.value}"' if re.search(r"\s", self.value) else self.value
        return f"{'-' if self.is_excluded else ''}{self.operator}:{value}"

    @property
    def turned(self) -> "Narrowing":
        """The same left out, or asked for."""
        return msgspec.structs.replace(self, is_excluded=not self.is_excluded)


class Query(msgspec.Struct, frozen=True):
    """What was typed: the words that are left (perhaps none), and how they are narrowed."""

    words: str
    narrowings: tuple[Narrowing, ...] = ()

    @property
    def typed(self) -> str:
        """One line that reads back as this query."""
        return " ".join([*([self.words] if self.words else []), *(one.typed for one in self.narrowings)])

    def values(self, operator: Operator) -> list[str]:
        """What the operator was given, or was given to leave out."""
        return [one.value for one in self.narrowings if one.operator is operator]

    def without(self, narrowing: Narrowing, *instead: Narrowing) -> "Query":
        """The query without one of its narrowings, with another in its place if there is one."""
        others = ((one,) if one is not narrowing else instead for one in self.narrowings)
        return Query(self.words, tuple(one for several in others for one in several))


_NAMES = "|".join(Operator)
_PART = re.compile(
    rf'-?"[^"]*"|(?<!\S)(?P<no>-?)(?P<name>{_NAMES}):(?:"(?P<quoted>[^"]+)"|(?P<value>[^\s"]+))', re.IGNORECASE
)
_EXCLUDED = re.compile(r'(?<!\S)-(?:"[^"]*"?|\S+)')
_RUN = re.compile(f"[{SPACELESS}]+")
_MONTHS = 12


def read_query(typed: str) -> Query:
    """Tell operators from words. What stands in quotes is words; an operator without a value is a word.

    Raises INVALID where a day is given twice or excluded.
    """
    narrowings: list[Narrowing] = []

    def take(part: re.Match[str]) -> str:
        if part["name"] is None:
            return part[0]
        operator = Operator(part["name"].lower())
        if operator in ONCE and any(one.operator is operator for one in narrowings):
            raise INVALID(f"{operator}: can be given once.", field="q")
        if operator in ONCE and part["no"]:
            raise INVALID(f"-{operator}: cannot be asked for. Write before: or after: instead.", field="q")
        narrowing = Narrowing(operator, part["quoted"] or part["value"], bool(part["no"]))
        if narrowing not in narrowings:
            narrowings.append(narrowing)
        return " "

    words = _PART.sub(take, typed)
    return Query(" ".join(words.split()) if narrowings else words.strip(), tuple(narrowings))


def narrowed(query: Query, chosen: Sequence[Narrowing]) -> Query:
    """The query with narrowings that were chosen beside those that it has; a day in the place of its former one."""
    operators = {one.operator for one in chosen if one.operator in ONCE}
    kept = [one for one in query.narrowings if one.operator not in operators and one not in chosen]
    return Query(query.words, (*kept, *chosen))


def pieces_of(words: str) -> list[str]:
    """What of some words is found within others: runs of letters of languages without spaces, but for excluded ones."""
    return _RUN.findall(_EXCLUDED.sub(" ", words))


def days_of(value: str, today: date) -> tuple[date, date]:
    """The first day of what a day, month or year names, and the day after its last one.

    `2026-11-22`, `2026-11`, `2026`, `today` or `yesterday`. Raises INVALID for anything else.
    """
    named = {"today": today, "yesterday": today - timedelta(days=1)}.get(value.lower())
    if named is not None:
        return named, named + timedelta(days=1)
    try:
        if re.fullmatch(r"[0-9]{4}", value):
            first = date(int(value), 1, 1)
            return _within_reach(first), date(first.year + 1, 1, 1)
        if found := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})", value):
            first = date(int(found[1]), int(found[2]), 1)
            following = date(first.year + first.month // _MONTHS, first.month % _MONTHS + 1, 1)
            return _within_reach(first), following
        first = date.fromisoformat(value)
        return _within_reach(first), first + timedelta(days=1)
    except ValueError as error:
        message = f"{value[:40]!r} is no day, month or year: write 2026-11-22, 2026-11, 2026, today or yesterday."
        raise INVALID(message, field="q") from error


def _within_reach(day: date) -> date:
    """Refuse the ends of the calendar: some timezone has them no more."""
    if not date.min.year < day.year < date.max.year - 1:
        raise ValueError(day)
    return day
