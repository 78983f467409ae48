"""What clients saw while processes were killed, and whether the log agrees with it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_SHOWN = 20


class Ack(NamedTuple):
    """A server's word that a post is durable."""

    conversation: str
    author: str
    client_id: str
    seq: int
    id: str
    at: float = 0.0
    """When it was heard."""
    took: float = 0.0
    """Seconds since the post was first tried, with all that came between."""
    content: str | None = None
    """What was posted, where its author remembers."""


class Kept(NamedTuple):
    """A server's word that a file is durable."""

    id: str
    sha256: str


class Entry(NamedTuple):
    """A record of the log, as it is stored or as a subscriber was sent it."""

    conversation: str
    seq: int
    id: str
    type: str
    author: str
    client_id: str | None
    content: str
    mentions: tuple[str, ...] = ()
    target: str | None = None


@dataclass
class History:
    """What was acknowledged and what was seen. `seen`: by subscriber and conversation, in order."""

    acks: list[Ack] = field(default_factory=list)
    seen: dict[str, dict[str, list[Entry]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    refusals: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    not_kept: Counter[str] = field(default_factory=Counter)
    """Files that were refused, by code."""

    def last_seq(self, subscriber: str, conversation: str) -> int:
        """What a subscriber says it has when it connects again."""
        entries = self.seen[subscriber][conversation]
        return entries[-1].seq if entries else 0


def faults(history: History, stored: Iterable[Entry]) -> list[str]:
    """Every way in which the log, the acknowledgements and the subscribers disagree; empty when all is well."""
    log: dict[str, list[Entry]] = defaultdict(list)
    for entry in stored:
        log[entry.conversation].append(entry)
    found = list(history.refusals)
    for conversation, entries in log.items():
        found += _disorder(f"log of {conversation}", entries)
    found += _broken_words(history.acks, log)
    found += _overtaken(history.acks)
    for subscriber, conversations in history.seen.items():
        for conversation, entries in conversations.items():
            found += _disorder(f"{subscriber} on {conversation}", entries)
            found += _differences(subscriber, conversation, entries, log[conversation])
    return found[:MAX_SHOWN]


def delivery_faults(stored: Iterable[Entry], agent: str, inbox: str) -> list[str]:
    """Mentions of the agent that made no delivery in its inbox, or more than one, or a delivery of nothing."""
    entries = list(stored)
    mentioning = {entry.id for entry in entries if agent in entry.mentions and entry.author != agent}
    delivered = Counter(entry.target for entry in entries if entry.conversation == inbox and entry.type == "delivery")
    found = [
        f"message {id} mentions the agent, and was delivered {delivered[id]} times"
        for id in mentioning
        if delivered[id] != 1
    ]
    return (found + [f"{target} was delivered for no reason" for target in delivered if target not in mentioning])[
        :MAX_SHOWN
    ]


def _disorder(where: str, entries: list[Entry]) -> list[str]:
    """Seqs that do not count 1, 2, 3 …: each record once, in order, none left out."""
    return [
        f"{where}: seq {entry.seq} stands in place {place}"
        for place, entry in enumerate(entries, 1)
        if entry.seq != place
    ]


def _broken_words(acks: list[Ack], log: dict[str, list[Entry]]) -> list[str]:
    places: dict[tuple[str, str, str | None], list[Entry]] = defaultdict(list)
    for entries in log.values():
        for entry in entries:
            places[entry.conversation, entry.author, entry.client_id].append(entry)
    found = [
        f"client id {key[2]} of {key[1]} is stored {len(entries)} times"
        for key, entries in places.items()
        if key[2] is not None and len(entries) > 1
    ]
    for ack in acks:
        entries = places.get((ack.conversation, ack.author, ack.client_id), [])
        if not any((entry.seq, entry.id) == (ack.seq, ack.id) for entry in entries):
            found.append(f"{ack} was acknowledged, and the log has {entries}")
        elif ack.content is not None and ack.content not in {entry.content for entry in entries}:
            found.append(f"{ack} was acknowledged, and the log has other words: {entries}")
    return found


def _overtaken(acks: list[Ack]) -> list[str]:
    """Posts that were begun after another of their conversation was acknowledged, and stand before it."""
    found, heard = [], sorted(acks, key=lambda ack: ack.at)
    newest: dict[str, Ack] = {}
    next_heard = 0
    for ack in sorted(acks, key=lambda ack: ack.at - ack.took):
        while next_heard < len(heard) and heard[next_heard].at < ack.at - ack.took:
            one = heard[next_heard]
            if one.conversation not in newest or newest[one.conversation].seq < one.seq:
                newest[one.conversation] = one
            next_heard += 1
        before = newest.get(ack.conversation)
        if before is not None and ack.seq < before.seq:
            found.append(f"{ack} was begun after {before} was acknowledged, and stands before it")
    return found


def _differences(subscriber: str, conversation: str, seen: list[Entry], stored: list[Entry]) -> list[str]:
    if len(seen) != len(stored):
        return [f"{subscriber} saw {len(seen)} of the {len(stored)} records of {conversation}"]
    return [
        f"{subscriber} saw {had} where the log has {kept}"
        for had, kept in zip(seen, stored, strict=True)
        if (had.id, had.type, had.author, had.content) != (kept.id, kept.type, kept.author, kept.content)
    ]
