import re

from crewhall.kernel.rules import RECORD, find_rule, list_rules, read_record
from tests.architecture.source import ROOT
from tests.support.rule_markers import marked_tests

SOAK = re.compile(r"@pytest\.mark\.soak\n(?:@.*\n)*(?:async )?def (test_\w+)")


def test_every_rule_has_a_number_of_its_own_and_a_sentence():
    numbers = [rule.number for rule in list_rules()]
    assert len(numbers) == len(set(numbers)) == 66
    assert all(rule.text.endswith(".") for rule in list_rules())
    assert find_rule("d1") is not None
    assert find_rule("D99") is None


def test_rules_that_are_kept_in_part_say_what_is_awaited():
    awaited = {rule.number: rule.awaits for rule in list_rules()}
    assert awaited["X4"].startswith("A2A")
    assert not awaited["E4"], "there is an inbox"


def test_the_shipped_record_names_the_marked_tests():
    """Tests that went away may not stay in the record; new ones enter it by `make rules`."""
    recorded = read_record((ROOT / "src/crewhall/kernel" / RECORD).read_bytes())
    marked = marked_tests(ROOT)
    gone = {rule: sorted(set(tests) - marked.get(rule, set())) for rule, tests in recorded.items()}
    missing = {rule: sorted(tests - set(recorded.get(rule, ()))) for rule, tests in marked.items()}
    assert {rule: tests for rule, tests in gone.items() if tests} == {}, "run `make rules`"
    assert {rule: tests for rule, tests in missing.items() if tests} == {}, "run `make rules`"


def test_the_gate_shows_every_rule_that_is_shown_at_all():
    """What `make soak` alone runs shows once more what other tests show."""
    soak = {
        f"{path.relative_to(ROOT).as_posix()}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in SOAK.findall(path.read_text(encoding="utf-8"))
    }
    assert len(soak) > 3
    assert {rule: tests for rule, tests in marked_tests(ROOT).items() if tests <= soak} == {}
