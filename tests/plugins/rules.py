"""Records which rules have passing tests: `@pytest.mark.rule("D1")` on a test, `test-results/rules.json` after a run.

With `--record-rules` what passed is also merged into the record that the product ships (`crewhall rules` reads it).
"""

import json
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

from crewhall.kernel.rules import RECORD, list_rules, read_record
from tests.support.rule_markers import marked_tests

PROPERTY = "rule"
Outcomes = dict[str, dict[str, bool]]
"""By rule number and test id: whether every phase and every parameter of it passed."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-rules", action="store_true", help="write what passed into the shipped record of rules")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(RuleRecorder(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a number that no rule has: a typing error would leave a promise untested."""
    known = {rule.number for rule in list_rules()}
    for item in items:
        if unknown := set(rules_of(item)) - known:
            raise pytest.UsageError(f"{item.nodeid} is marked with {', '.join(sorted(unknown))}, which is no rule")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the rules into the report, which travels from a worker to the controller."""
    report = yield
    report.user_properties.extend((PROPERTY, rule) for rule in rules_of(item))
    return report


def rules_of(item: pytest.Item) -> list[str]:
    """The numbers that an item's markers name."""
    return [str(number) for marker in item.iter_markers("rule") for number in marker.args]


class RuleRecorder:
    """Gathers the reports in the process that controls the run."""

    def __init__(self, config: pytest.Config) -> None:
        self.root = config.rootpath
        self.ships = bool(config.getoption("--record-rules"))
        self.outcomes: Outcomes = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A skipped test shows nothing; a failed phase or parameter fails the test."""
        if report.skipped or (report.when != "call" and report.passed):
            return
        test = report.nodeid.split("[", 1)[0]
        for name, rule in report.user_properties:
            if name == PROPERTY:
                seen = self.outcomes[str(rule)]
                seen[test] = seen.get(test, True) and report.passed

    def pytest_sessionfinish(self) -> None:
        if not self.outcomes:
            return
        write(self.root / "test-results" / "rules.json", self._merged({}))
        if self.ships:
            shipped = self.root / "src" / "crewhall" / "kernel" / RECORD
            write(shipped, self._merged(read_record(shipped.read_bytes())))

    def _merged(self, before: dict[str, list[str]]) -> dict[str, list[str]]:
        """What passed now, and what passed before, still exists and was not run."""
        record: dict[str, list[str]] = {}
        for rule, existing in marked_tests(self.root).items():
            now = self.outcomes.get(rule, {})
            passed = {test for test in existing if now.get(test, test in before.get(rule, ()))}
            if passed:
                record[rule] = sorted(passed)
        return record


def write(path: Path, record: dict[str, list[str]]) -> None:
    """Write a record in the order of the rules, if it changed."""
    order = [rule.number for rule in list_rules()]
    text = json.dumps({rule: record[rule] for rule in order if rule in record}, indent=2) + "\n"
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
