"""What a file is: by its first bytes, not by what it is called; and what may be called what.

puremagic knows the signatures. It takes text for many things, so text is told apart first, and is never an image.
"""

import mimetypes
import re
import unicodedata

from crewhall.kernel.errors import define_error
from crewhall.kernel.visible import visible_line

MISLABELLED = define_error("file_mislabelled", 422, "The file is not what its name says")
HEAD = 8192
"""Bytes that tell what a file is."""
UNKNOWN = "application/octet-stream"
SHOWN_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Images that have a thumbnail and are shown where they stand; everything else is saved."""
MAX_NAME_LENGTH, MAX_ENDING_LENGTH = 255, 20
NO_NAME = "file"
_MARKUP = {"text/html", "image/svg+xml", "application/xml", "text/xml", "application/xhtml+xml"}
_SAME = {"image/x-ms-bmp": "image/bmp", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "": UNKNOWN}
_CONTROLS = frozenset(range(9)) | frozenset(range(14, 27)) | frozenset(range(28, 32))
PDF = "application/pdf"
_PROMISES = re.compile(r"image/(?!svg)|application/pdf$")
_BAD_IN_NAMES = re.compile(r"[\\/:*?\"<>|]+")


def media_type_of(head: bytes, name: str) -> str:
    """The type of what begins so. Raises MISLABELLED where its name promises an image or a PDF, and it is none."""
    found = _text_type(head, name) if is_text(head) else _binary_type(head, name)
    promised = promised_type(name)
    is_kept = found == promised or (promised != PDF and found.startswith("image/"))
    if _PROMISES.match(promised) and not is_kept:
        raise MISLABELLED(
            f"{name} is named as {promised}, and is none. Give it the name of what it is, or send it again whole.",
            found=found,
        )
    return found


def promised_type(name: str) -> str:
    """The type that a name promises by its ending."""
    return mimetypes.guess_type(name)[0] or UNKNOWN


def is_text(head: bytes) -> bool:
    """Whether it begins as text in UTF-8 does; the last character may be cut off."""
    if not _CONTROLS.isdisjoint(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return len(head) - error.start < 4 and len(head) >= HEAD and error.reason == "unexpected end of data"  # noqa: PLR2004
    return True


def clean_name(name: str) -> str:
    """A name to keep and to save under: no folders, nothing invisible or that turns text around, nothing too long."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    whole = unicodedata.normalize("NFC", "".join(last.replace("\0", "").splitlines()))
    plain = _BAD_IN_NAMES.sub("_", visible_line(whole)).strip(". ")
    if not plain:
        return NO_NAME
    if len(plain) <= MAX_NAME_LENGTH:
        return plain
    stem, _, ending = plain.rpartition(".")
    kept = f".{ending}" if stem and len(ending) <= MAX_ENDING_LENGTH else ""
    return plain[: MAX_NAME_LENGTH - len(kept)] + kept


def _text_type(head: bytes, name: str) -> str:
    """What kind of text: markup (and a PDF in plain letters) by its beginning, anything else as it is called."""
    if head.startswith(b"%PDF-"):
        return PDF
    marked = next((kind for kind, _ in _signatures(head) if kind in _MARKUP), None)
    if marked:
        return marked
    promised = promised_type(name)
    is_textual = promised.startswith("text/") or promised.endswith(("json", "xml", "javascript"))
    return promised if is_textual else "text/plain"


def _binary_type(head: bytes, name: str) -> str:
    """The signature that its name speaks of, else the likeliest."""
    ending = "." + name.rpartition(".")[2].lower()
    found = _signatures(head)
    return next((kind for kind, of in found if of == ending), found[0][0] if found else UNKNOWN)


def _signatures(head: bytes) -> list[tuple[str, str]]:
    """Types and endings whose signature it has, the likeliest first."""
    import puremagic

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []
    return [(_SAME.get(match.mime_type, match.mime_type), match.extension) for match in matches]
