"""The rules the product keeps, and which of them have a passing test (`crewhall rules`).

`rules.toml` holds the promises; `rules_tested.json` is the record that `make rules` writes: the tests that carried a
rule's number and passed.
"""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

RECORD = "rules_tested.json"


class Rule(msgspec.Struct, frozen=True):
    """A promise: its number (`D1`), the chapter it stands in, its sentence, and the tests that show it kept.

    `awaits` names what it speaks of and the product does not have yet: then it is kept in part.
    """

    number: str
    chapter: str
    text: str
    awaits: str = ""
    tests: tuple[str, ...] = ()

    @property
    def is_tested(self) -> bool:
        """Whether a passing test shows that the rule is kept."""
        return bool(self.tests)


@cache
def list_rules() -> tuple[Rule, ...]:
    """Every rule in the order of `rules.toml`, with its recorded tests."""
    here = files("crewhall.kernel")
    stated = tomllib.loads((here / "rules.toml").read_text(encoding="utf-8"))["rules"]
    tested = read_record((here / RECORD).read_bytes())
    return tuple(msgspec.convert({**rule, "tests": tested.get(rule["number"], ())}, Rule) for rule in stated)


def find_rule(number: str) -> Rule | None:
    """The rule of that number, or None."""
    return next((rule for rule in list_rules() if rule.number == number.upper()), None)


def read_record(data: bytes) -> dict[str, list[str]]:
    """Decode a record: the ids of the passed tests by rule number."""
    return msgspec.json.decode(data, type=dict[str, list[str]])
