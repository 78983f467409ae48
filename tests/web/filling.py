"""Channels with a past."""

import asyncio
from uuid import UUID

from crewhall.ports.message_log import Author, NewRecord
from tests.identity.hall import Org
from tests.support.server import Server

AT_ONCE = 500
LINE = "and some words, as people write them, more in one and less in another. "


async def fill(server: Server, org: Org, channel: str, count: int) -> None:
    """Let the owner have written `message 1`, `message 2`, … of different lengths."""
    author = Author.of(org.owner.actor)
    for start in range(1, count + 1, AT_ONCE):
        await asyncio.gather(
            *(
                server.services.log.append(
                    NewRecord(
                        org_id=org.id,
                        conversation_id=UUID(channel),
                        author=author,
                        content=f"message {number}",
                        html=f"<p>message {number} {LINE * (number % 7)}</p>",
                    )
                )
                for number in range(start, min(start + AT_ONCE, count + 1))
            )
        )
