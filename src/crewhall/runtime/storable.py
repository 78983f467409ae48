"""What models and tools give, as the database takes it: no NUL, no half of a character, no number that JSON has not."""

import math
from typing import Any

import msgspec

NUL = rb"\u0000"
HIGH = range(0xD800, 0xDC00)
"""First halves of characters that UTF-16 writes in two: a server that cuts text between them gives them apart."""


def mended(text: str) -> str:
    """The text with its cut characters put together; halves that stay alone, and NUL, become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def as_json(value: Any) -> bytes:
    """The value as JSON that the database takes, like `storable`, which is asked only to mend."""
    try:
        text = msgspec.json.encode(value, order="sorted")
    except UnicodeEncodeError:
        return msgspec.json.encode(storable(value), order="sorted")
    return text if NUL not in text else msgspec.json.encode(storable(value), order="sorted")


def storable(value: Any) -> Any:
    """The value as JSON values that the database takes."""
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else mended(value)
    if isinstance(value, dict):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else storable(msgspec.to_builtins(value))
