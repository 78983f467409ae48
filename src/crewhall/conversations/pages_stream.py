"""The messages of a page: the newest from the pages that the process keeps, others from the database."""

from collections import OrderedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from markupsafe import Markup

from crewhall.conversations.history import messages_json
from crewhall.conversations.newest import NewestPages
from crewhall.conversations.wire import Message
from crewhall.faces.plumbing.messages import render_stream
from crewhall.faces.plumbing.services import Services
from crewhall.kernel.actor import Actor
from crewhall.kernel.paging import DEFAULT_LIMIT, Page
from crewhall.ports.message_log import MAX_SEQ

HALF = DEFAULT_LIMIT // 2
MAX_STREAMS = 2_000
_decoder = msgspec.json.Decoder(Page[Message])


class Stream(msgspec.Struct):
    """Messages in order of seq, and whether there are older and newer ones."""

    messages: list[Message]
    has_older: bool
    has_newer: bool = False
    html: dict[str, Markup] = {}

    @property
    def last_seq(self) -> int:
        """The seq of the last message, 0 without any: what follows it is sent live."""
        return self.messages[-1].seq if self.messages else 0

    def render(self, zone: ZoneInfo, viewer: UUID, read_seq: int | None) -> Markup:
        """The messages as HTML, with the line above the first one that the viewer has not read."""
        unread = read_seq is not None and any(
            message.seq > read_seq and message.author.id != viewer for message in self.messages
        )
        if unread:
            return render_stream(self.messages, zone, read_seq=read_seq, viewer=viewer)
        found = self.html.get(zone.key)
        if found is None:
            found = self.html[zone.key] = render_stream(self.messages, zone)
        return found


class Streams:
    """The newest page of each busy conversation, read once for as long as its JSON stands."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, tuple[bytes, Stream]] = OrderedDict()

    async def newest(self, services: Services, actor: Actor, conversation_id: UUID) -> Stream:
        """The newest messages. The caller has checked access."""

        async def load() -> bytes:
            return await messages_json(services.db, actor.org, conversation_id, limit=DEFAULT_LIMIT)

        body = await services.part(NewestPages).page(conversation_id, DEFAULT_LIMIT, load)
        known = self._known.get(conversation_id)
        if known is not None and known[0] is body:
            return known[1]
        stream = _stream_of(body)
        self._known[conversation_id] = body, stream
        if len(self._known) > MAX_STREAMS:
            self._known.popitem(last=False)
        return stream


streams = Streams()


def _stream_of(body: bytes) -> Stream:
    page = _decoder.decode(body)
    return Stream(page.items, has_older=page.next is not None)


async def stream_around(
    services: Services, actor: Actor, conversation_id: UUID, seq: int, *, parent: UUID | None = None
) -> Stream:
    """The messages, or those of one thread, around a place. The caller has checked access."""
    db, org_id = services.db, actor.org
    older = await messages_json(db, org_id, conversation_id, limit=HALF, before=seq + 1, parent=parent)
    newer = await messages_json(db, org_id, conversation_id, limit=HALF, after=seq, parent=parent)
    before, after = _decoder.decode(older), _decoder.decode(newer)
    return Stream([*before.items, *after.items], before.next is not None, after.next is not None)


async def thread_newest(services: Services, actor: Actor, conversation_id: UUID, parent_id: UUID) -> Stream:
    """The newest replies of a thread. The caller has checked access."""
    return _stream_of(
        await messages_json(
            services.db, actor.org, conversation_id, limit=DEFAULT_LIMIT, before=MAX_SEQ, parent=parent_id
        )
    )
