"""What was said in Slack as records of the log: the same ids each time, their own moments, and what is left out."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from crewhall.conversations import IMPORTED, MAX_CONTENT_LENGTH, PastRecord, escape_markdown, render_markdown
from crewhall.imports.ids import id_of
from crewhall.imports.mrkdwn import to_markdown
from crewhall.imports.sequence import Item
from crewhall.imports.shortcodes import emoji_of
from crewhall.imports.slack import SlackExport, SlackFile, SlackMessage, clean, moment_of, own_text
from crewhall.imports.vocabulary import LeftOut
from crewhall.ports.message_log import RecordType

_SAID = frozenset(
    {None, "bot_message", "me_message", "thread_broadcast", "reply_broadcast", "file_share", "file_comment"}
)
"""The kinds of messages that somebody wrote; all others are notices of Slack's."""
_CUT = "\n\n…"
MOST_REACTING = 1000
"""Of those who reacted with one emoji to one message, as many are taken."""


class Somebody(Struct, frozen=True):
    """Who somebody of the export is here. `handle` is that of a member: they can be mentioned."""

    id: UUID
    name: str
    handle: str | None = None


class WantedFile(Struct, frozen=True):
    """A file of a message: an entry of the archive, else what Slack gives at an address."""

    id: UUID
    entry: str | None
    address: str | None
    name: str
    author: UUID


class Written(Struct):
    """What a portion comes to. `files` are those of a message, by its id; `late_left_out` shows when they are had."""

    records: list[PastRecord] = field(default_factory=list)
    files: dict[UUID, list[WantedFile]] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)
    left_out: Counter[LeftOut] = field(default_factory=Counter)
    late_left_out: Counter[LeftOut] = field(default_factory=Counter)


def author_of(message: SlackMessage) -> tuple[str, str] | None:
    """The id, and a name, of who wrote a message: a person, or a program that is no user."""
    program = (message.bot_profile and message.bot_profile.name) or message.username
    if message.user:
        return key_of(message.user), clean(program or "")
    if message.bot_id or program:
        return key_of(f"bot:{message.bot_id or program}"), clean(program or "App")
    return None


def key_of(user: str) -> str:
    """The id of somebody as it is kept; real ones are short."""
    return clean(user)[:100]


def authors_of(items: Iterable[Item]) -> dict[str, str]:
    """Who wrote, reacted or pinned: their ids, with the names that stand beside them."""
    named: dict[str, str] = {}
    for item in items:
        if item.pin is not None and item.pin.user:
            named.setdefault(key_of(item.pin.user), "")
        if item.message is None:
            continue
        if item.message.subtype in _SAID and (author := author_of(item.message)):
            named[author[0]] = author[1] or named.get(author[0], "")
        for reaction in item.message.reactions or ():
            for user in reaction.users[:MOST_REACTING]:
                named.setdefault(key_of(user), "")
    return named


class Transcript:
    """Makes records of a channel's items. `people` are by their id in Slack, `channels` names by theirs."""

    def __init__(
        self, org_id: UUID, export: SlackExport, channel_id: str, people: dict[str, Somebody], channels: dict[str, str]
    ) -> None:
        self._org_id = org_id
        self._export = export
        self._channel_id = channel_id
        self._people = people
        self._handles = {one.id: one.handle for one in people.values() if one.handle}
        self._channels = channels

    def write(self, items: Iterable[Item], *, rendered: bool = True) -> Written:
        """Make the records of items. Not `rendered` they have no HTML: enough to count them."""
        written = Written()
        for item in items:
            if item.message is not None:
                written.records += self._message(item, item.message, written, rendered=rendered)
            else:
                written.records += self._pin(item, written)
        return written

    def id_of(self, ts: str, *more: str) -> UUID | None:
        """The id of the message of a moment, or of what is about it."""
        at = moment_of(ts)
        return None if at is None else id_of(self._org_id, self._export.key, self._channel_id, ts, *more, at=at)

    def _message(self, item: Item, message: SlackMessage, written: Written, *, rendered: bool) -> Iterator[PastRecord]:
        if message.subtype not in _SAID:
            written.left_out[LeftOut.NOTICE] += 1
            return
        named = author_of(message)
        author = self._people.get(named[0]) if named else None
        message_id = self.id_of(message.ts)
        if author is None or message_id is None:
            written.left_out[LeftOut.UNKNOWN_AUTHOR] += 1
            return
        mentions: list[UUID] = []
        content = self._content(message, mentions)
        files, absent = self._files(message, author, written)
        content = "\n\n".join([content, *absent] if content else absent)
        if not content and not files:
            written.left_out[LeftOut.EMPTY] += 1
            return
        if len(content) > MAX_CONTENT_LENGTH:
            written.left_out[LeftOut.CUT] += 1
            content = content[: MAX_CONTENT_LENGTH - len(_CUT)] + _CUT
        parent = None if message.thread_ts in {None, message.ts} else self.id_of(message.thread_ts or "")
        written.found["replies" if parent else "messages"] += 1
        if files:
            written.files[message_id] = files
            written.found["files"] += len(files)
        yield PastRecord(
            id=message_id,
            type=RecordType.MESSAGE,
            author=author.id,
            author_name=author.name,
            content=content,
            html=render_markdown(content, {self._handles[one] for one in mentions}) if rendered else None,
            metadata={IMPORTED: "slack"},
            parent=parent,
            mentions=mentions or None,
            at=item.at,
        )
        yield from self._reactions(item, message, message_id, written)

    def _content(self, message: SlackMessage, mentions: list[UUID]) -> str:
        def person(user_id: str) -> str:
            known = self._people.get(key_of(user_id))
            if known is None:
                return "somebody"
            if known.handle is None:
                return escape_markdown(known.name)
            mentions.append(known.id)
            return known.handle

        text = to_markdown(own_text(message), person, lambda channel: self._channels.get(channel, "channel")).strip()
        mentions[:] = dict.fromkeys(mentions)
        return f"*{text}*" if message.subtype == "me_message" and text and "\n" not in text else text

    def _files(self, message: SlackMessage, author: Somebody, written: Written) -> tuple[list[WantedFile], list[str]]:
        """The files that can be had, and lines that name those which cannot."""
        wanted, absent = [], []
        for file in message.files or ():
            if file is None or file.mode == "tombstone":
                written.left_out[LeftOut.FILE_DELETED] += 1
                continue
            name = _file_name(file)
            entry, file_id = self._export.find_upload(file), self.id_of(message.ts, "file", file.id)
            if (entry is None and file.address is None) or file_id is None:
                written.left_out[LeftOut.FILE_ABSENT] += 1
                absent.append(named_only(name))
            else:
                wanted.append(WantedFile(file_id, entry, file.address, name, author.id))
        return wanted, absent

    def _reactions(self, item: Item, message: SlackMessage, target: UUID, written: Written) -> Iterator[PastRecord]:
        for reaction in message.reactions or ():
            emoji = emoji_of(reaction.name)
            for user in dict.fromkeys(reaction.users[:MOST_REACTING]):
                reaction_id, author = (
                    self.id_of(message.ts, "reaction", reaction.name, user),
                    self._people.get(key_of(user)),
                )
                if emoji is None:
                    written.left_out[LeftOut.CUSTOM_EMOJI] += 1
                elif author is None or reaction_id is None:
                    written.left_out[LeftOut.UNKNOWN_AUTHOR] += 1
                else:
                    written.found["reactions"] += 1
                    yield _overlay(RecordType.REACTION, reaction_id, author, target, item, content=emoji)

    def _pin(self, item: Item, written: Written) -> Iterator[PastRecord]:
        assert item.pin is not None
        author = self._people.get(key_of(item.pin.user or ""))
        target, pin_id = self.id_of(item.pin.id), self.id_of(item.pin.id, "pin")
        if author is None or target is None or pin_id is None:
            written.left_out[LeftOut.UNKNOWN_AUTHOR] += 1
            return
        written.found["pins"] += 1
        yield _overlay(RecordType.PIN, pin_id, author, target, item)


def named_only(name: str) -> str:
    """The line of a message that names a file which is not here."""
    return f"📎 *{escape_markdown(name)}*"


def _file_name(file: SlackFile) -> str:
    return clean(file.name or file.title or file.id or "file").replace("\n", " ")[:200]


def _overlay(kind: RecordType, id: UUID, author: Somebody, target: UUID, item: Item, **more: Any) -> PastRecord:
    return PastRecord(
        id=id, type=kind, author=author.id, author_name=author.name, target=target, at=item.at,
        **{"content": "", **more},
    )  # fmt: skip
