"""What is read, how much of it may be, and how a reader says that it cannot be."""

from enum import StrEnum
from typing import BinaryIO

from msgspec import Struct

MIB = 1024 * 1024


class Reason(StrEnum):
    """Why a document cannot be read; each is the end of an error's code."""

    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    TIMED_OUT = "timed_out"


class Refused(Exception):
    """The document cannot be read. The sentence says what to do instead."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class Bounds(Struct, frozen=True, kw_only=True):
    """How much is read of one document."""

    characters: int = 20_000_000
    pages: int = 5_000
    columns: int = 1_000
    """Of a table."""
    pixels: int = 64_000_000
    """Width times height of a picture that is decoded at all."""
    unpacked: int = 512 * MIB
    """Bytes that an office file holds once it is unpacked."""


class Source(Struct, frozen=True, kw_only=True):
    """A document. `file` can be sought in; `media_type` and `name` are what is said of it: its bytes decide."""

    file: BinaryIO
    size: int
    media_type: str
    name: str
    bounds: Bounds
    reads_pictures: bool = True
    """Whether text is looked for in pictures (OCR)."""

    @property
    def ending(self) -> str:
        """What follows the last dot of its name, in small letters; empty where there is none."""
        return self.name.rpartition(".")[2].lower() if "." in self.name else ""

    def whole(self) -> bytes:
        """All its bytes. For formats that must be read whole; files are no larger than what is taken in."""
        self.file.seek(0)
        return self.file.read()


def damaged() -> Refused:
    """What is said of a file that breaks off or contradicts itself."""
    return Refused(
        Reason.DAMAGED, "The file is damaged or not whole. Open it where it was made, save it anew and send that."
    )


def encrypted() -> Refused:
    """What is said of a file with a password."""
    return Refused(Reason.ENCRYPTED, "The file is protected by a password. Save it without one and send that.")


def empty() -> Refused:
    """What is said of a file in which nothing can be read."""
    return Refused(Reason.EMPTY, "No text was found in the file.")


def too_large(what: str) -> Refused:
    """What is said of a file that holds more than is read. `what`: a clause, as "more than 5,000 pages"."""
    return Refused(Reason.TOO_LARGE, f"The file holds {what}. Send it in parts.")


def unsupported(advice: str) -> Refused:
    """What is said of a file of a kind that is not read."""
    return Refused(Reason.UNSUPPORTED, f"Files of this kind are not read. {advice}")
