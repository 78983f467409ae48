"""Shows with a test's failure what the processes that it started said last."""

from collections.abc import Generator

import pytest

from tests.support.said import all_said, forget


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put it into the report while the logs are there: they go with the test's folder."""
    report = yield
    if report.failed:
        report.sections.extend((f"{name}, its last words", words) for name, words in all_said())
    return report


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish() -> None:
    """What later tests start is theirs."""
    forget()
