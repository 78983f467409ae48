"""What each type of source takes, as the fields of a form: read as they were typed, refused at the field."""

from typing import Any

import msgspec

from crewhall.faces.plumbing.forms import Form
from crewhall.kernel.errors import CrewhallError
from crewhall.knowledge.sources.configs import CONFIGS
from crewhall.knowledge.sources.vocabulary import SourceType

LISTS, CHOICES = frozenset({"patterns", "text"}), frozenset({"watch", "whole"})
"""A line for each entry, and what is ticked or not; everything else is a word or a number."""


def typed_config(form: Form, kind: SourceType) -> dict[str, Any]:
    """The configuration of a type as it was typed, without what is as it would be anyway. Raises INVALID."""
    names = CONFIGS[kind].__struct_fields__
    given: dict[str, Any] = {one: _lines(form.v(one)) for one in names if one in LISTS}
    given |= {one: one in form.values for one in names if one in CHOICES}
    config = form.read(CONFIGS[kind], *(one for one in names if one not in given), **given)
    defaults = {one.name: one.default for one in msgspec.structs.fields(CONFIGS[kind])}
    defaults |= {one: [] for one in names if one in LISTS}
    return {name: value for name, value in msgspec.to_builtins(config).items() if value != defaults[name]}


def shown_config(form: Form, kind: SourceType, config: dict[str, Any]) -> dict[str, Any]:
    """What stands in the fields: what was typed and refused, else what is kept, else what holds without a word."""
    shown: dict[str, Any] = {}
    for one in msgspec.structs.fields(CONFIGS[kind]):
        kept = config.get(one.name, one.default if one.default is not msgspec.NODEFAULT else None)
        if one.name in CHOICES:
            shown[one.name] = one.name in form.values if form.values else bool(kept)
        elif one.name in LISTS:
            shown[one.name] = form.v(one.name, "\n".join(config.get(one.name, ())))
        else:
            shown[one.name] = form.v(one.name, f"{kept:g}" if isinstance(kept, float) else kept)
    return shown


def refuse(form: Form, error: CrewhallError) -> None:
    """Keep what was refused: an address at the field where it was typed."""
    if error.fields.get("field") == "url" and "path" in form.values:
        form.errors["path"] = error.detail
    else:
        form.refuse(error)


def _lines(typed: str) -> list[str]:
    return [one.strip() for one in typed.splitlines() if one.strip()]
