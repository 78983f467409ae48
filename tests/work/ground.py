"""Projects and tasks by the API, made at once."""

from datetime import timedelta
from typing import Any

import httpx

from crewhall.kernel.clock import utc_now
from tests.identity.hall import Member, Org
from tests.support.server import AgentClient

Who = Member | AgentClient


async def begun(who: Who, name: str = "Shop", **fields: Any) -> dict[str, Any]:
    """A project."""
    made: dict[str, Any] = done(await who.api.post("/projects", json={"name": name, **fields})).json()
    return made


async def wrote(who: Who, project: dict[str, Any], title: str = "Paint it", **fields: Any) -> dict[str, Any]:
    """A task."""
    body = {"project_id": project["id"], "title": title, **fields}
    made: dict[str, Any] = done(await who.api.post("/tasks", json=body)).json()
    return made


async def changed(who: Who, task: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A task after a change."""
    now: dict[str, Any] = done(await who.api.patch(f"/tasks/{task['id']}", json=fields)).json()
    return now


async def refused(who: Who, task: dict[str, Any], **fields: Any) -> tuple[int, str]:
    """With which status and code a change is refused."""
    answer = await who.api.patch(f"/tasks/{task['id']}", json=fields)
    return answer.status_code, answer.json().get("code")


async def took(who: Who, project: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """The next task; None where there is none."""
    answer = await who.api.post("/tasks/next", json={"project_id": project["id"]} if project else {})
    if answer.status_code == 404:
        assert answer.json()["code"] == "no_task", answer.text
        return None
    taken: dict[str, Any] = done(answer).json()
    return taken


async def listed(who: Who, path: str = "/tasks", **query: Any) -> list[dict[str, Any]]:
    """What somebody sees."""
    items: list[dict[str, Any]] = done(await who.api.get(path, params=query)).json()["items"]
    return items


async def titles(who: Who, **query: Any) -> list[str]:
    """The titles of the tasks that somebody finds."""
    return [one["title"] for one in await listed(who, **query)]


def done(answer: httpx.Response) -> httpx.Response:
    """The answer, which is a good one."""
    assert answer.is_success, answer.text
    return answer


def agent(who: AgentClient) -> dict[str, str]:
    """An agent as an assignee."""
    return {"type": "agent", "id": who.id}


def person(who: Member) -> dict[str, str]:
    """A person as an assignee."""
    return {"type": "user", "id": str(who.id)}


def due(days: float) -> str:
    """A deadline so many days from now."""
    return (utc_now() + timedelta(days=days)).isoformat()


async def put_on_probation(org: Org, who: AgentClient) -> None:
    """Put an agent on probation."""
    done(await org.owner.api.patch(f"/agents/{who.id}", json={"status": "probation"}))
