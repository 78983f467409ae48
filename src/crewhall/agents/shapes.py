"""The known shapes of an agent's open data: its model, its schedule, its tools and capabilities."""

import re
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from crewhall.kernel.errors import INVALID
from crewhall.kernel.wallclock import timezones
from crewhall.kernel.wording import in_words

MAX_JSON_BYTES = 65_536
MAX_OVERRIDES_BYTES = 4096
"""What a grant overrides of an agent comes on top of the agent's own, so that neither side is kept by the other's."""
MAX_JSON_DEPTH = 16
SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*\Z")
_HOURS = re.compile(r"([01]?\d|2[0-4])(?::([0-5]\d))?-([01]?\d|2[0-4])(?::([0-5]\d))?\Z")
DAYS = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})

T = TypeVar("T")
Text = Annotated[str, Meta(min_length=1, max_length=255)]


class ModelConfig(Struct):
    """Which model thinks for the agent; further keys belong to the provider and are kept as they are."""

    provider: Text | None = None
    model: Text | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    context_tokens: Annotated[int, Meta(ge=500, le=2_000_000)] | None = None


class SchedulingConfig(Struct, forbid_unknown_fields=True):
    """When the agent works: `working_hours` is "9-17" for every day, or one such span per day ("mon" … "sun")."""

    enabled: bool = False
    timezone: Text = "UTC"
    working_hours: Text | dict[str, Text] | None = None


def check_json(value: object, field: str, most_bytes: int = MAX_JSON_BYTES) -> None:
    """Refuse open data larger than 64 KiB, or than `most_bytes`, or deeper than 16 levels."""
    if _depth(value) > MAX_JSON_DEPTH:
        raise INVALID(f"{field} must be at most {MAX_JSON_DEPTH} levels deep.", field=field)
    if len(msgspec.json.encode(value)) > most_bytes:
        raise INVALID(f"{field} is larger than {most_bytes // 1024} KiB.", field=field)


def _depth(value: object) -> int:
    """How many levels of objects and arrays lie in one another, counted without descending into the stack."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def check_model_config(value: dict[str, Any]) -> None:
    """Refuse a model configuration whose known keys do not hold (provider, model, temperature 0-2, max_tokens)."""
    check_json(value, "model_config")
    _convert(value, ModelConfig, "model_config")


def check_overrides(value: dict[str, Any]) -> None:
    """Refuse what a grant cannot override of a model configuration: known keys that do not hold, more than 4 KiB."""
    check_json(value, "config", MAX_OVERRIDES_BYTES)
    _convert(value, ModelConfig, "config")


def check_scheduling_config(value: dict[str, Any]) -> None:
    """Refuse working hours with an unknown timezone, day or span of hours."""
    if "cron" in value:
        raise _invalid("scheduling_config", "a cron expression belongs to a schedule: make one for the agent.")
    config = _convert(value, SchedulingConfig, "scheduling_config")
    if config.timezone not in timezones():
        raise _invalid("scheduling_config.timezone", f"{config.timezone!r} is no IANA timezone, such as Europe/Berlin.")
    hours = config.working_hours
    if isinstance(hours, dict) and not hours.keys() <= DAYS:
        raise _invalid("scheduling_config.working_hours", "Days are mon, tue, wed, thu, fri, sat, sun.")
    for span in hours.values() if isinstance(hours, dict) else filter(None, [hours]):
        _check_hours(span)


def check_slugs(values: list[str], field: str) -> list[str]:
    """Return the words without repetition, or refuse one that is no slug of at most 50 characters."""
    for value in values:
        if len(value) > 50 or not SLUG.match(value):  # noqa: PLR2004
            raise _invalid(field, f"{value[:50]!r} is no slug: lower-case letters and digits, joined by - _ or .")
    return list(dict.fromkeys(values))


def _check_hours(span: str) -> None:
    match = _HOURS.match(span)
    if match:
        start, end = (int(match[at]) * 60 + int(match[at + 1] or 0) for at in (1, 3))
        if start != end and max(start, end) <= 24 * 60:
            return
    raise _invalid("scheduling_config.working_hours", f"{span!r} is no span of hours, such as 9-17 or 22:30-6.")


def _convert(value: dict[str, Any], kind: type[T], field: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise _invalid(field + path.rstrip("`"), in_words(message)) from error


def _invalid(field: str, sentence: str) -> Exception:
    return INVALID(f"{field.rpartition('.')[2]}: {sentence}", field=field)
