"""Short ways to what stands on a timeline."""

from typing import Any

import httpx

from tests.identity.hall import Member
from tests.support.server import AgentClient
from tests.support.waiting import until

Api = httpx.AsyncClient


async def listed(api: Api, **query: Any) -> list[dict[str, Any]]:
    """The newest events that somebody sees."""
    answer = await api.get("/timeline", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def told(api: Api, count: int = 1, **query: Any) -> list[dict[str, Any]]:
    """The newest events as soon as there are so many: the log's consumer follows, a little behind."""

    async def look() -> list[dict[str, Any]] | None:
        found = await listed(api, **query)
        return found if len(found) >= count else None

    return await until(look)


async def posted(who: Member | AgentClient, text: str = "The mill is stuck.", **fields: Any) -> dict[str, Any]:
    """An event that somebody posts by themselves."""
    body = {"type": "problem_report", "content": {"text": text}, **fields}
    answer = await who.api.post("/timeline", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def said(who: Member | AgentClient, conversation: str, content: str, **fields: Any) -> dict[str, Any]:
    """A message."""
    answer = await who.api.post(f"/conversations/{conversation}/messages", json={"content": content, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
