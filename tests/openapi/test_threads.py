"""No request borrows a thread: a thread for each would be a queue of its own, unseen and unbounded."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.identity.hall import Org
from tests.support.description import read_operations
from tests.support.server import Server
from tests.tenancy.requests import required_query

ELSEWHERE = {"/api/v1/installation", "/installation"}
"""Looks at a disk, which may hang, for the one person who runs the installation: it must hold up nobody else."""
PAGES = ("/people", "/agents", "/search?q=x", "/settings", "/c", "/audit")


async def test_reading_and_posting_borrow_none(server: Server, org: Org, monkeypatch: pytest.MonkeyPatch):
    general = await server.general(org)
    borrowed: list[Any] = []
    submit = ThreadPoolExecutor.submit

    def noted(pool: ThreadPoolExecutor, work: Any, *args: Any, **kwargs: Any) -> Any:
        borrowed.append(getattr(work, "args", work))
        return submit(pool, work, *args, **kwargs)

    operations = [
        one for one in await read_operations(server.client()) if one.method == "GET" and one.path not in ELSEWHERE
    ]
    browser, _ = await server.browse(org.owner)
    monkeypatch.setattr(ThreadPoolExecutor, "submit", noted)
    for operation in operations:
        if not operation.path_parameters:
            answer = await org.owner.api.get(operation.path, params=required_query(operation, org.slug))
            assert answer.is_success, str(operation)
    (await org.owner.api.post(f"/conversations/{general}/messages", json={"content": "x"})).raise_for_status()
    assert (await org.owner.api.get(f"/conversations/{general}/messages")).is_success
    for page in PAGES:
        assert (await browser.get(server.address + page, headers={"accept": "text/html"})).is_success, page
    assert borrowed == []
