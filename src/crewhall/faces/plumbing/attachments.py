"""The files of a message as it is shown: an image small where it stands, anything else as a card.

static/js/live/attachments.js makes the same view in the browser.
"""

from collections.abc import Mapping
from typing import Any

from crewhall.kernel.counting import size_in_words

WIDEST, HIGHEST = 360, 270
"""CSS pixels of an image in the stream."""
LONGEST_LABEL = 5


def attachment_views(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `parts/message.html` names of each file that a message's metadata names."""
    return [attachment_view(file) for file in metadata.get("files", ())]


def attachment_view(file: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of one file."""
    width, height = file.get("width"), file.get("height")
    fit = min(1, WIDEST / width, HIGHEST / height) if width and height else 0
    size = f"{label_of(file['name'])} · {size_in_words(file['size'])}"
    return {
        "id": str(file["id"]),
        "name": file["name"],
        "media_type": file["media_type"],
        "size": file["size"],
        "width": width,
        "height": height,
        "shown_width": max(1, int(width * fit)) if width and height else None,
        "shown_height": max(1, int(height * fit)) if width and height else None,
        "thumbnail": f"/api/v1/files/{file['id']}/thumbnail" if fit else None,
        "href": f"/api/v1/files/{file['id']}/content",
        "card": None if fit else size,
        "label": f"{file['name']}, {size}",
    }


def label_of(name: str) -> str:
    """A file's kind by its ending, as people call it."""
    ending = name.rpartition(".")[2].upper() if "." in name else ""
    return ending if ending.isascii() and ending.isalnum() and len(ending) <= LONGEST_LABEL else "File"
