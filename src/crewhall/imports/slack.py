"""What a Slack export holds: `users.json`, `channels.json`, `groups.json`, and a folder of days for each channel.

Files are in it where a tool put them there, below `__uploads/<id of the file>/`; Slack itself exports their addresses.
"""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from crewhall.imports.archive import Archive, refused
from crewhall.imports.elements import elements_of
from crewhall.kernel.visible import visible_line

T = TypeVar("T", bound="Listed")
MARKER = "channels.json"
UPLOADS = "__uploads"
FILES_HOST = "files.slack.com"
LONGEST_ADDRESS = 2000
MAX_CHANNELS, MAX_PEOPLE, MAX_A_DAY = 20_000, 50_000, 200_000
MAX_PARTS = 2_000_000
"""Of what one JSON file lists: members and pins of its channels, or files, attachments and reactions of its messages.

What is kept of an export at once has to fit into memory.
"""
_TS = re.compile(r"(\d{9,11})(?:\.(\d{1,6}))?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_LAST_SECOND = 4_102_444_800
"""The year 2100: a moment after it is none."""


class Listed(Struct):
    """An entry of a JSON file's list."""

    @property
    def parts(self) -> int:
        """How much is kept of it beside itself."""
        return 0


class SlackProfile(Struct):
    """What somebody says of themselves."""

    email: str | None = None
    real_name: str | None = None
    display_name: str | None = None
    bot_id: str | None = None


class SlackUser(Listed):
    """Somebody of the workspace, a program among them."""

    id: str
    name: str = ""
    team_id: str | None = None
    real_name: str | None = None
    is_bot: bool = False
    deleted: bool = False
    profile: SlackProfile = msgspec.field(default_factory=SlackProfile)

    @property
    def shown_name(self) -> str:
        """What they are called."""
        names = (self.profile.display_name, self.profile.real_name, self.real_name, self.name)
        return next((seen for name in names if name and (seen := visible_line(clean(name)))), "Somebody")[:255]


class SlackNote(Struct):
    """A channel's topic or purpose."""

    value: str = ""


class SlackPin(Struct):
    """A pinned message. `id` is its moment."""

    id: str = ""
    type: str = ""
    created: float = 0
    user: str | None = None


class SlackChannel(Listed):
    """A channel. A private one stands in `groups.json`."""

    id: str
    name: str
    created: float = 0
    is_archived: bool = False
    members: list[str] = []
    topic: SlackNote = msgspec.field(default_factory=SlackNote)
    purpose: SlackNote = msgspec.field(default_factory=SlackNote)
    pins: list[SlackPin] | None = None
    is_private: bool = False

    @property
    def parts(self) -> int:
        """How much is kept of it beside itself."""
        return len(self.members) + len(self.pins or ())


class SlackFile(Struct):
    """A file of a message. `mode` is `tombstone` where it was deleted."""

    id: str = ""
    name: str | None = None
    title: str | None = None
    mode: str = ""
    url_private_download: str | None = None
    url_private: str | None = None

    @property
    def address(self) -> str | None:
        """Where Slack gives its bytes, for as long as the word in its address is good."""
        found = self.url_private_download or self.url_private or ""
        return found if found.startswith(f"https://{FILES_HOST}/") and len(found) < LONGEST_ADDRESS else None


class SlackReaction(Struct):
    """Who reacted with an emoji, told by its name."""

    name: str
    users: list[str] = []


class SlackAttachment(Struct):
    """What a program, or a link, adds to a message."""

    fallback: str | None = None
    pretext: str | None = None
    title: str | None = None
    title_link: str | None = None
    text: str | None = None


class SlackBotProfile(Struct):
    """The program that wrote."""

    name: str | None = None


class SlackMessage(Listed):
    """A message as it was last: what it said before an edit is not exported."""

    ts: str
    type: str = "message"
    subtype: str | None = None
    user: str | None = None
    bot_id: str | None = None
    username: str | None = None
    bot_profile: SlackBotProfile | None = None
    text: str | None = None
    thread_ts: str | None = None
    files: list[SlackFile | None] | None = None
    reactions: list[SlackReaction] | None = None
    attachments: list[SlackAttachment] | None = None

    @property
    def parts(self) -> int:
        """How much is kept of it beside itself."""
        reactions = self.reactions or ()
        return len(self.files or ()) + len(self.attachments or ()) + sum(1 + len(one.users) for one in reactions)


class SlackExport:
    """An export that was looked through. Reading it takes the time of decoding, and waits for no network."""

    def __init__(self, archive: Archive) -> None:
        """Raises ARCHIVE_REFUSED."""
        self._archive = archive
        self.users = self._list("users.json", SlackUser, MAX_PEOPLE)
        opened = self._list(MARKER, SlackChannel, MAX_CHANNELS)
        closed = self._list("groups.json", SlackChannel, MAX_CHANNELS)
        for channel in closed:
            channel.is_private = True
        self.channels = list({one.id: one for one in [*closed, *opened]}.values())
        self.directs = len(self._list("dms.json", _Named, MAX_CHANNELS * 10))
        self.groups = len(self._list("mpims.json", _Named, MAX_CHANNELS * 10))
        self._programs = {user.profile.bot_id: user.id for user in self.users if user.profile.bot_id}
        _share_members(self.channels)
        _check_ids("users.json", [user.id for user in self.users])
        _check_ids(MARKER, [channel.id for channel in self.channels])
        team = next((user.team_id for user in self.users if user.team_id), None)
        self.key = f"slack:{clean(team or 'export')[:40]}"
        self._uploads = self._find_uploads()

    def days(self, channel: SlackChannel) -> Iterator[list[SlackMessage]]:
        """The messages of each day of a channel, in order of time; those without a moment are left out."""
        folder = channel.name if self._archive.names(channel.name) else channel.id
        for name in self._archive.names(folder):
            if _DAY.fullmatch(name):
                found = self._list(f"{folder}/{name}", SlackMessage, MAX_A_DAY)
                for one in found:
                    one.user = one.user or self._programs.get(one.bot_id or "")
                yield sorted(
                    (one for one in found if moment_of(one.ts)), key=lambda one: moment_of(one.ts) or _EARLIEST
                )

    def find_upload(self, file: SlackFile) -> str | None:
        """The entry that has a file's bytes, where the archive has any."""
        return self._uploads.get(file.id)

    def pieces(self, entry: str) -> Iterator[bytes]:
        """The bytes of an entry."""
        return self._archive.pieces(entry)

    def _find_uploads(self) -> dict[str, str]:
        found = {}
        for file_id in self._archive.folders(UPLOADS):
            names = self._archive.names(f"{UPLOADS}/{file_id}")
            if names:
                found[file_id] = f"{UPLOADS}/{file_id}/{names[0]}"
        return found

    def _list(self, name: str, kind: type[T], most: int) -> list[T]:
        """What a JSON file lists; none where there is no such file."""
        found: list[T] = []
        parts = 0
        decoder = msgspec.json.Decoder(kind)
        if not self._archive.has(name):
            return found
        try:
            with closing(self._archive.text(name)) as pieces:
                for element in elements_of(pieces):
                    found.append(_decoded(element, decoder, kind))
                    parts += found[-1].parts
                    if len(found) > most:
                        raise refused(f"{name} has more than {most:,} entries.")
                    if parts > MAX_PARTS:
                        raise refused(f"{name} names more than {MAX_PARTS:,} members, pins, files and reactions.")
        except (ValueError, RecursionError) as error:
            raise refused(f"{name} is not as Slack writes it: {str(error)[:200]}") from error
        return found


def _decoded(element: bytes, decoder: msgspec.json.Decoder[T], kind: type[T]) -> T:
    try:
        return decoder.decode(element)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # halves of characters, which only the standard library lets pass
        return msgspec.convert(json.loads(element), kind)


def _share_members(channels: list[SlackChannel]) -> None:
    """Let each id be one string, however many channels name it."""
    known: dict[str, str] = {}
    for channel in channels:
        channel.members = [known.setdefault(member, member) for member in channel.members]


def _check_ids(name: str, ids: list[str]) -> None:
    strange = next((one for one in ids if not _ID.fullmatch(one)), None)
    if strange is not None:
        raise refused(f"{name} is not as Slack writes it: {clean(strange)[:40]} is no id.")


class _Named(Listed):
    id: str


_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(ts: str) -> datetime | None:
    """The moment that Slack's `1700000000.000100` names; None where it is none."""
    found = _TS.fullmatch(ts)
    if found is None or int(found[1]) > _LAST_SECOND:
        return None
    return datetime.fromtimestamp(int(found[1]), UTC).replace(microsecond=int((found[2] or "0").ljust(6, "0")))


def clean(text: str) -> str:
    """Text that a database takes: without NUL and halves of characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def own_text(message: SlackMessage) -> str:
    """What a message says, in Slack's markup: its text, or what a program has put in its place."""
    parts = [message.text or ""]
    for added in message.attachments or ():
        if added.text or added.pretext or added.title:
            parts += [added.pretext or "", _titled(added), added.text or ""]
        elif not message.text:
            parts.append(added.fallback or "")
    return clean("\n".join(part for part in parts if part.strip()))


def _titled(added: SlackAttachment) -> str:
    if added.title and added.title_link:
        return f"<{added.title_link}|{added.title}>"
    return added.title or ""
