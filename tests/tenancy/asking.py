"""One request of a tenant's own, which must go well."""

from typing import Any

import httpx


async def ask(api: httpx.AsyncClient, method: str, path: str, /, **body: Any) -> Any:
    answer = await api.request(method, path, json=body or ({} if method == "POST" else None))
    assert answer.is_success, (method, path, answer.text)
    return answer.json() if answer.content else None
