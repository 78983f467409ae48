"""What may be attached to a message as metadata."""

from typing import Any

import msgspec

FILES = "files"
"""Where a message's metadata names its files: Crewhall's own, nobody else's."""
IMPORTED = "imported"
"""Where it says that a message was written elsewhere, and taken in: an import's alone."""
SOURCES = "sources"
"""Where it names what an agent's answer cites, by number: a turn's alone."""
TASK_COMMENT = "task_comment"
"""Where it says of which task a message is a comment, and whether that stays here: said through the task alone."""
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 8


def check_metadata(metadata: dict[str, Any]) -> None:
    """Refuse (ValueError) metadata over 16 KiB of JSON, deeper than 8 levels, with NUL, or in Crewhall's own words."""
    if FILES in metadata:
        raise ValueError("metadata must not hold files: Crewhall writes them there, of what `files` names")
    if IMPORTED in metadata:
        raise ValueError("metadata must not hold imported: Crewhall marks with it what an import took in")
    if SOURCES in metadata:
        raise ValueError("metadata must not hold sources: Crewhall writes them there, of what an agent's answer cites")
    if TASK_COMMENT in metadata:
        raise ValueError("metadata must not hold task_comment: comment on the task, and Crewhall writes it there")
    _check_level(metadata, 1)
    try:
        encoded = msgspec.json.encode(metadata)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError("metadata must be plain JSON") from error
    if len(encoded) > MAX_METADATA_BYTES:
        raise ValueError(f"metadata must be at most {MAX_METADATA_BYTES // 1024} KiB of JSON")


def _check_level(value: Any, depth: int) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("metadata must not hold NUL characters")
    if not isinstance(value, dict | list):
        return
    if depth > MAX_METADATA_DEPTH:
        raise ValueError(f"metadata must be at most {MAX_METADATA_DEPTH} levels deep")
    for inner in (*value, *value.values()) if isinstance(value, dict) else value:
        _check_level(inner, depth + 1)
