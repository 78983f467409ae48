"""A thread beside its conversation: the message it hangs on, its newest replies or those around a place."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from markupsafe import Markup

from crewhall.conversations.access import Access
from crewhall.conversations.messages import get_message
from crewhall.conversations.pages_places import Place
from crewhall.conversations.pages_stream import stream_around, thread_newest
from crewhall.faces.plumbing.dependencies import AnyRequest
from crewhall.faces.plumbing.messages import render_stream
from crewhall.faces.plumbing.pages import zone_of
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.db import Tx


class Thread(msgspec.Struct):
    """A message and its replies. `first` and `last` are the seqs of the replies that stand, 0 without any."""

    id: UUID
    root: Markup
    replies: Markup
    count: int
    composer: object
    has_older: bool
    has_newer: bool
    first: int
    last: int


async def load_thread(
    request: AnyRequest,
    services: Services,
    actor: Actor,
    access: Access,
    message_id: UUID,
    *,
    place: Place | None,
    composer: Callable[[Tx, UUID], Awaitable[object]],
) -> Thread:
    """The thread in which a message stands, open at its newest replies or around a place. Raises NOT_FOUND."""
    zone = zone_of(request)
    async with services.db.transaction(actor) as tx:
        root = await get_message(tx, actor, access.conversation_id, message_id)
        if root.parent_id is not None:
            root = await get_message(tx, actor, access.conversation_id, root.parent_id)
        writing = await composer(tx, root.id)
    if place is None or place.seq <= root.seq or not place.is_exact:
        found = await thread_newest(services, actor, access.conversation_id, root.id)
    else:
        found = await stream_around(services, actor, access.conversation_id, place.seq, parent=root.id)
    replies = render_stream(found.messages, zone)
    return Thread(
        id=root.id,
        root=_beside(render_stream([root], zone)),
        replies=_beside(place.mark(replies, found) if place is not None else replies),
        count=root.reply_count,
        composer=writing,
        has_older=found.has_older,
        has_newer=found.has_newer,
        first=found.messages[0].seq if found.messages else 0,
        last=found.last_seq,
    )


def _beside(html: Markup) -> Markup:
    """The same messages under other element ids, since they may stand in the stream too."""
    return Markup(str.replace(html, ' id="m-', ' id="t-'))  # noqa: S704 - was safe before; Markup's own escapes
