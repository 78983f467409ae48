"""Short ways to notifications: what is derived by the time it is asked for, and what is told of it."""

from typing import Any

from tests.support.server import Server
from tests.support.waiting import until


async def settled(server: Server) -> None:
    """Wait until every record so far has been looked at."""

    async def is_caught_up() -> bool:
        async with server.db.transaction(None) as tx:
            return await tx.value("select consumer_lag('notifications')") is None

    await until(is_caught_up)


async def told(server: Server, who: Any, **query: Any) -> list[dict[str, Any]]:
    """What somebody (a person or an agent) is told of, newest first, once all is derived."""
    await settled(server)
    answer = (await who.api.get("/notifications", params=query)).raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def kinds(server: Server, who: Any, **query: Any) -> list[tuple[str, bool]]:
    """Kind and read state of what somebody is told of, newest first."""
    return [(one["kind"], one["is_read"]) for one in await told(server, who, **query)]


async def unread(server: Server, who: Any) -> int:
    """How many notifications somebody has not read."""
    await settled(server)
    count: int = (await who.api.get("/notifications/count")).raise_for_status().json()["unread"]
    return count


async def handle_of(member: Any) -> str:
    """The handle by which a person is mentioned."""
    handle: str = (await member.api.get("/me")).raise_for_status().json()["user"]["handle"]
    return handle
