"""A channel of an export as a sequence in order of time, in portions: messages, and the pins that came between them."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from crewhall.imports.slack import SlackChannel, SlackExport, SlackMessage, SlackPin, moment_of

PORTION = 200
PORTION_REACTIONS = 2_000
PORTION_CHARACTERS = 400_000


class Item(Struct, frozen=True):
    """What happened at a moment: a message was written, or one was pinned."""

    at: datetime
    message: SlackMessage | None = None
    pin: SlackPin | None = None


def portions(export: SlackExport, channel: SlackChannel) -> Iterator[list[Item]]:
    """Give what happened in a channel, so much at once as goes into one transaction."""
    portion: list[Item] = []
    characters = reactions = 0
    for item in _items(export, channel):
        portion.append(item)
        characters += len(item.message.text or "") if item.message else 0
        reactions += _reactions(item)
        if len(portion) >= PORTION or characters >= PORTION_CHARACTERS or reactions >= PORTION_REACTIONS:
            yield portion
            portion, characters, reactions = [], 0, 0
    if portion:
        yield portion


def _reactions(item: Item) -> int:
    return sum(len(one.users) for one in item.message.reactions or ()) if item.message else 0


def _items(export: SlackExport, channel: SlackChannel) -> Iterator[Item]:
    waiting = _pins(channel)
    for day in export.days(channel):
        for message in day:
            at = moment_of(message.ts)
            assert at is not None
            while waiting and waiting[0].at < at:
                yield waiting.pop(0)
            yield Item(at, message=message)
    yield from waiting


def _pins(channel: SlackChannel) -> list[Item]:
    """The channel's pins in order of time; none is before its message."""
    found = []
    for pin in channel.pins or ():
        said = moment_of(pin.id)
        if said is not None and not math.isnan(pin.created):
            pinned = datetime.fromtimestamp(min(max(pin.created, 0), 4_102_444_800), UTC)
            found.append(Item(max(said, pinned), pin=pin))
    return sorted(found, key=lambda item: item.at)
